#!/bin/sh
# Makes ext4.img: an ext4 of 256 KiB with a text file and a folder with a copy of it, the same bytes each time.
#
#   test-images/ext4.sh FILE
#
# By e2fsprogs 1.47; another version may choose other places. The image is kept as ext4.img.gz (gzip -9n).
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '[fs_types]\next4 = {\ninode_size = 256\n}\nfloppy = {\ninode_size = 256\n}\n' >"$work/mke2fs.conf"
printf 'A file in a file system in a file.\n' >"$work/text"
chmod 644 "$work/text"

# No defaults of this machine, no random numbers, no clock: 2020-01-01.
export MKE2FS_CONFIG="$work/mke2fs.conf" E2FSPROGS_FAKE_TIME=1577836800
rm -f "$1"
truncate -s 256K "$1"
mkfs.ext4 -q -F -b 4096 -I 256 -N 16 -m 0 -L vnd-test \
    -O none,extent,filetype,sparse_super,large_file,extra_isize,metadata_csum,64bit \
    -U 766e6400-0000-4000-8000-000000000001 \
    -E hash_seed=766e6400-0000-4000-8000-000000000002,root_owner=0:0,lazy_itable_init=0,nodiscard "$1"
debugfs -w -f - "$1" >/dev/null 2>&1 <<COMMANDS
rmdir lost+found
write $work/text readme
mkdir folder
cd folder
write $work/text copy
COMMANDS
e2fsck -fn "$1" >/dev/null 2>&1
