#!/bin/sh
# Makes boot.img: a disk that a PC boots. It prints the second sector's text on the first serial port and powers off.
#
#   test-images/boot.sh FILE
set -eu

# x86, 16 bits, loaded at 7c00; the addresses are in octal because that is all that printf(1) takes everywhere.
{
    printf '\061\300\216\330\216\300\216\320'     # ax, ds, es, ss = 0
    printf '\274\000\174'                         # sp = 7c00
    printf '\270\001\002\271\002\000\266\000'     # read 1 sector: cylinder 0, head 0, sector 2,
    printf '\273\000\176\315\023'                 #   of the drive in dl, to 7e00 (INT 13h)
    printf '\276\000\176\272\370\003'             # si = 7e00; dx = 3f8, COM1
    printf '\254\204\300\164\003\356\353\370'     # until a 0 byte: to dx with it
    printf '\270\001\123\061\333\315\025'         # connect to power management (INT 15h)
    printf '\270\007\123\273\001\000\271\003\000' # power off
    printf '\315\025\364\353\375'                 # halt, should that not work
} >"$1"
truncate -s 510 "$1"
printf '\125\252Hello from a disk that is a file.\r\n' >>"$1"
truncate -s 4096 "$1"
