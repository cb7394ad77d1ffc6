package org.vnd.lab;

import java.util.StringJoiner;

/**
 * What happens to names of block devices, as scripts for sh, so that guests can do the same. {@code $1} is vndconfig, {@code
 * $2} the export, {@code $3} a folder with the images {@link #IMAGES} makes. They print "done" at their end.
 */
public final class NameScripts {
    /** Makes the images {@code a} and {@code b} in {@code $1}: in one piece, and full of their letters. */
    public static final String IMAGES = """
            for image in a b; do
                tr '\\0' $image </dev/zero | dd of=$1/$image bs=1M count=24 iflag=fullblock oflag=direct status=none
            done
            sync $1/a $1/b
            """;

    /** A /dev as in a container, where nobody makes nodes. */
    public static final String PRIVATE = """
            mkdir /tmp/vnd-dev.$$
            mount -t tmpfs -o mode=755 none /tmp/vnd-dev.$$
            mkdir /tmp/vnd-dev.$$/mapper
            for node in null zero full random urandom tty loop-control fuse ublk-control mapper/control; do
                ! test -c /dev/$node || cp -a /dev/$node /tmp/vnd-dev.$$/$node
            done
            mount --bind /tmp/vnd-dev.$$ /dev
            umount /tmp/vnd-dev.$$
            rmdir /tmp/vnd-dev.$$
            private=yes
            """;

    /** A devtmpfs, in which the system's names are those of this script alone. */
    public static final String DEVTMPFS = """
            mkdir -p /dev/vnd
            mount -t tmpfs none /dev/vnd
            private=
            """;

    /** A /run of its own, and functions. */
    public static final String FUNCTIONS = """
            mount -t tmpfs none /run
            vnd=$1 export=$2 images=$3
            trap 'for unit in vnd0 vnd1; do "$vnd" -u -F $unit || :; done >ended 2>&1
                case "$(losetup ${node:-/dev/null} 2>&1)" in *$images/other*) losetup -d $node ;; esac' EXIT
            # The kernel looks for no partitions of dm devices.
            sfdisk="sfdisk -q --force"
            [ $export != dm ] || sfdisk="$sfdisk --no-reread --no-tell-kernel"
            die() {
                echo "$*" >&2
                ls -l /dev /dev/vnd /run/vnd/* ${VND_STATE-} >&2 || :
                cat ${VND_STATE:-/run/vnd}/vnd*/names ${VND_STATE:-/run/vnd}/vnd*/log >&2 || :
                exit 1
            }
            # Where the names of $1 are.
            folder() {
                if [ -n "${VND_STATE-}" ]; then echo "$VND_STATE/$1"; else echo /dev/vnd; fi
            }
            names() {
                (cd $(folder $1) 2>/dev/null && ls -d $1 $1p[0-9]* 2>/dev/null) || :
            }
            attach() {
                "$vnd" -c --export $export --sector-size 512 $1 $images/$2 || die "can't be attached"
            }
            # Whether node $1 has the number that /sys has for it.
            is_right() {
                # A name may go at any moment, and leads nowhere then.
                [ -b "${1-}" ] && number=$(cat /sys/class/block/${1#/dev/}/dev 2>/dev/null) || return 1
                [ "$(stat -c %t:%T $1)" = "$(printf '%x:%x' ${number%:*} ${number#*:})" ]
            }
            # Whether the names of $1 are those of its disk and $3 partitions, and each leads to bytes of image $2.
            agree() {
                [ $(names $1 | wc -l) = $(($3 + 1)) ] || return 1
                for name in $(names $1); do
                    is_right $(readlink $(folder $1)/$name) || return 1
                    [ "$(dd if=$(folder $1)/$name bs=4096 skip=128 count=1 status=none | tr -d $2 | wc -c)" = 0 ] || return 1
                done
            }
            # Whether each node that leads to a disk is one that /sys has; only in a /dev of our own.
            nodes() {
                [ -n "$private" ] || return 0
                for node in /dev/loop[0-9]* /dev/nbd[0-9]* /dev/ublkb[0-9]* /dev/dm-[0-9]*; do
                    ! [ -e $node ] || is_right $node || return 1
                done
            }
            no_partx() {
                ! grep -qx partx /proc/[0-9]*/comm 2>errors
            }
            # The daemon of vnd0, which is the only disk, and its keeper.
            find_daemon() {
                daemon=$("$vnd" -l --json | sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p')
                keeper=$(sed -n 's/^PPid:.//p' /proc/$daemon/status)
            }
            # The processes of vnd0, and its device.
            find_processes() {
                node=$(readlink $(folder vnd0)/vnd0)
                sequence=$(cat /sys/block/${node#/dev/}/diskseq)
                find_daemon
                loop=
                for child in $(cat /proc/$daemon/task/*/children); do
                    [ "$(cat /proc/$child/comm)" != vnd-loop ] || loop=$child
                done
                [ -n "$loop" ] || die "no vnd-loop"
            }
            # Whether the loop device has been set up anew, by us unless some other process was quicker.
            is_anothers() {
                losetup $node $images/other 2>errors || :
                [ -e /sys/block/${node#/dev/}/loop ] && [ $(cat /sys/block/${node#/dev/}/diskseq) != $sequence ]
            }
            await() {
                for attempt in $(seq 600); do
                    "$@" && return
                    sleep 0.1
                done
                die "in vain: $*"
            }
            """;

    /**
     * Two disks are repartitioned, detached and attached in turn, as file {@code $4} says: "vnd0 2M 3M" gives a disk two
     * partitions, "swap" each its image to the other unit.
     */
    public static final String ROUNDS = """
            ls /dev >before
            first=a second=b zeros=0 ones=0
            attach vnd0 a
            attach vnd1 b
            while read unit sizes; do
                if [ $unit = swap ]; then
                    "$vnd" -u vnd0 || die "can't be detached"
                    [ -z "$(names vnd0)" ] || die "names stay"
                    "$vnd" -u vnd1 || die "can't be detached"
                    attach vnd1 $first
                    attach vnd0 $second
                    other=$first first=$second second=$other
                    other=$zeros zeros=$ones ones=$other
                else
                    set -- $sizes
                    if [ $# = 0 ]; then echo 'label: dos'; else printf 'size=%s\\n' $sizes; fi |
                        $sfdisk $(folder $unit)/$unit 2>errors || die "$(cat errors)"
                    if [ $unit = vnd0 ]; then zeros=$#; else ones=$#; fi
                fi
                await agree vnd0 $first $zeros
                await agree vnd1 $second $ones
                await nodes
            done <$4
            "$vnd" -u vnd1
            "$vnd" -u vnd0
            [ -z "$(names vnd0)$(names vnd1)" ] || die "names stay"
            if [ -n "$private" ]; then
                # One that was made for a device which another was quicker to take leads there, rightly.
                ls /dev | diff before - | grep -Ev ' vnd$|^> loop[0-9]+$' | grep '^[<>]' && die "nodes stay"
            fi
            echo done
            """;

    /** Lines for {@link #ROUNDS}. */
    public static String rounds(int count, SeededRandom random) {
        StringJoiner lines = new StringJoiner("\n", "", "\n");
        for (int round = 0; round < count; round++) {
            // At first both get partitions, however few rounds there are.
            boolean isFirst = round < 2;
            if (!isFirst && random.oneIn(8)) {
                lines.add("swap");
                continue;
            }
            boolean isOther = isFirst ? round == 1 : random.oneIn(2);
            StringBuilder line = new StringBuilder(isOther ? "vnd1" : "vnd0");
            for (int partition = isFirst ? 2 : random.below(5); partition > 0; partition--) {
                line.append(' ').append(random.between(1, 4)).append('M');
            }
            lines.add(line.toString());
        }
        return lines.toString();
    }

    /**
     * Keeper and daemon of a disk are killed, while another gets a disk by the same export: no name of the first leads to the
     * second, and none is left when the first is recovered.
     */
    public static final String KILLED = """
            attach vnd0 a
            printf 'size=2M\\nsize=3M\\n' | $sfdisk $(folder vnd0)/vnd0
            await agree vnd0 a 2
            find_daemon
            # It would wait for a server up to a minute, and hold the device.
            await no_partx
            kill -9 $keeper
            kill -9 $daemon
            attach vnd1 b
            printf 'size=1M\\nsize=2M\\nsize=3M\\n' | $sfdisk $(folder vnd1)/vnd1
            await agree vnd1 b 3
            "$vnd" -l >listing
            for name in $(names vnd0); do
                left=$(dd if=$(folder vnd0)/$name bs=4096 skip=128 count=1 status=none 2>errors | tr -d a | wc -c)
                [ $left = 0 ] || die "$name leads to another disk"
            done
            "$vnd" --recover vnd0
            [ -z "$(names vnd0)" ] || die "names stay: $(names vnd0)"
            await agree vnd1 b 3
            await nodes
            "$vnd" -u vnd1
            [ -z "$(names vnd1)" ] || die "names stay: $(names vnd1)"
            [ -z "$private" ] || ! ls /dev | grep -E '^(loop|nbd|ublkb)[0-9]+p' || die "nodes stay"
            echo done
            """;

    /**
     * Those who keep a loop device are killed, in several combinations, and another process gets its number: no name leads
     * there, at the latest when {@code vndconfig -l} has been called where nobody of them is left.
     */
    public static final String KILLS = """
            for number in $(seq 0 63); do
                [ -e /dev/loop$number ] || mknod -m 600 /dev/loop$number b 7 $number
            done
            for victims in loop daemon keeper+daemon all; do
                attach vnd0 a
                printf 'size=2M\\nsize=3M\\n' | sfdisk -q $(folder vnd0)/vnd0
                await agree vnd0 a 2
                find_processes
                case $victims in
                    loop) kill -9 $loop ;;
                    daemon) kill -9 $daemon ;;
                    keeper+daemon) kill -9 $keeper; kill -9 $daemon ;;
                    all) kill -STOP $loop $daemon $keeper; kill -9 $keeper $daemon $loop ;;
                esac
                await is_anothers
                theirs=$(cat /sys/block/${node#/dev/}/diskseq)
                ours=$(losetup $node | grep -c "$images/other" || :)
                if [ $victims = all ]; then
                    "$vnd" -l >listing
                    [ -z "$(names vnd0)" ] || die "names stay after all were killed"
                else
                    no_names() { [ -z "$(names vnd0)" ]; }
                    await no_names
                fi
                "$vnd" -l -v vnd0 >listing
                ! grep "$(folder vnd0)/vnd0\\$" listing || die "it is told"
                ! "$vnd" -l --json | grep "\\"$(folder vnd0)/vnd0\\"" || die "it is told"
                if [ $victims = loop ]; then
                    grep "$export: gone" listing || die "it isn't told"
                    "$vnd" -u vnd0 || die "it can't be detached"
                else
                    "$vnd" --recover || die "it can't be recovered"
                fi
                [ -z "$private" ] || [ -z "$(ls /dev | grep "^${node#/dev/}p")" ] || die "nodes stay"
                if [ $ours = 1 ]; then
                    [ $(cat /sys/block/${node#/dev/}/diskseq) = $theirs ] || die "another's device was taken away"
                    losetup -d $node
                fi
            done
            echo done
            """;

    /**
     * Names of which nobody knows any more, or everybody who does is stopped: the next {@code vndconfig} removes what leads to
     * another disk, at the latest.
     */
    public static final String FORGOTTEN = """
            for number in $(seq 0 63); do
                [ -e /dev/loop$number ] || mknod -m 600 /dev/loop$number b 7 $number
            done
            no_names() {
                [ -z "$(names vnd0)" ] || die "names stay: $1"
                [ -z "$(ls /dev | grep "^${node#/dev/}p")" ] || die "nodes stay: $1"
                case $(losetup $node) in *$images/other*) losetup -d $node ;; esac
            }
            attach vnd0 a
            printf 'size=2M\\nsize=3M\\n' | $sfdisk $(folder vnd0)/vnd0
            await agree vnd0 a 2
            find_processes
            kill -STOP $daemon $keeper
            kill -9 $loop
            await is_anothers
            "$vnd" -l >listing
            no_names "all who have them are stopped"
            kill -CONT $daemon $keeper
            "$vnd" -u vnd0
            attach vnd0 a
            await agree vnd0 a 2
            find_processes
            kill -STOP $loop $daemon $keeper
            kill -9 $keeper $daemon $loop
            umount -l /run
            mount -t tmpfs none /run
            await is_anothers
            "$vnd" -l >listing
            no_names "their state folder is gone"
            "$vnd" --recover $images/a
            mkdir -m 700 /run/first /run/second
            VND_STATE=/run/first
            export VND_STATE
            attach vnd0 a
            await agree vnd0 a 2
            find_processes
            kill -STOP $loop $daemon $keeper
            kill -9 $keeper $daemon $loop
            VND_STATE=/run/second
            attach vnd0 b
            printf 'size=2M\\nsize=3M\\n' | $sfdisk $(folder vnd0)/vnd0
            await agree vnd0 b 2
            VND_STATE=/run/first
            "$vnd" --recover
            VND_STATE=/run/second
            await agree vnd0 b 2
            "$vnd" -u vnd0
            ! ls /dev/loop*p* || die "nodes stay that two state folders knew"
            echo done
            """;

    /**
     * What nobody knows of is removed, whatever has its number by now: a link to a disk that is none of vnd's, links to a disk
     * that is another unit's, a node of another's number.
     */
    public static final String RIVALS = """
            for number in $(seq 0 63); do
                [ -e /dev/loop$number ] || mknod -m 600 /dev/loop$number b 7 $number
            done
            attach vnd0 a
            node=$(readlink /dev/vnd/vnd0)
            ln -s ${node}p1 /dev/vnd/vnd77p1
            ln -s ${node}p1 /dev/vnd/vnd7x
            printf 'size=2M\\nsize=3M\\n' | $sfdisk /dev/vnd/vnd0
            await agree vnd0 a 2
            ! [ -L /dev/vnd/vnd77p1 ] || die "another unit's name leads to our partition"
            [ -L /dev/vnd/vnd7x ] || die "it was nobody's"
            mknod /dev/ublkb4095 b 259 70000
            others=$(losetup -f --show --read-only $node)
            ln -s $others /dev/vnd/vnd7
            "$vnd" --recover
            losetup -d $others
            ! [ -L /dev/vnd/vnd7 ] || die "a name leads to a disk that is none of ours"
            ! [ -e /dev/ublkb4095 ] || die "a node has another's number"
            await agree vnd0 a 2
            "$vnd" -u vnd0
            echo done
            """;

    /** Whom a node is for can use it by its name; nothing of somebody else's is removed; what earlier versions left is. */
    public static final String FOLDER = """
            mkdir -p /dev/vnd
            chmod 700 /dev/vnd
            ln -s /run/vnd/vnd7/vnd7 /dev/vnd/vnd7
            ln -s /dev/null /dev/vnd/vnd8p1
            ln -s nowhere /dev/vnd/other
            echo mine >/dev/vnd/vnd9
            attach vnd0 a
            [ "$(ls /dev/vnd | xargs)" = "other vnd0 vnd9" ] || die "left: $(ls /dev/vnd)"
            node=$(readlink /dev/vnd/vnd0)
            chown root:disk $node
            chmod 660 $node
            setpriv --reuid=65534 --regid=disk --clear-groups dd if=/dev/vnd/vnd0 of=/dev/null bs=4096 count=1 status=none
            echo mine >${node}p1
            printf 'size=2M\\nsize=3M\\n' | sfdisk -q /dev/vnd/vnd0
            has_second() { [ -b /dev/vnd/vnd0p2 ]; }
            await has_second
            [ "$(stat -c '%a %G' ${node}p2)" = '660 disk' ] || die "not for whom the disk is"
            ! [ -e /dev/vnd/vnd0p1 ] || die "a name for a file"
            is_said() { grep -q "${node}p1 is in the way" /run/vnd/vnd0/log; }
            await is_said
            rm ${node}p1
            await agree vnd0 a 2
            # What a disk had here once.
            rm ${node}p1
            mknod ${node}p1 b 7 99
            await agree vnd0 a 2
            echo mine >mine
            rm ${node}p2
            mv mine ${node}p2
            "$vnd" -u vnd0
            [ "$(ls /dev/vnd | xargs)" = "other vnd9" ] || die "left: $(ls /dev/vnd)"
            grep mine ${node}p2 || die "it was somebody else's"
            rm ${node}p2
            echo done
            """;

    /**
     * Another system has the same /dev, and the same unit: neither takes the other's names. What a list says that isn't ours
     * to remove stays: a node that leads to another's disk rightly, and what is elsewhere.
     */
    public static final String OTHERS = """
            attach vnd0 a
            mine=$(readlink /dev/vnd/vnd0)
            cat >elsewhere <<'EOF'
            mount -t tmpfs none /run
            vnd=$1 image=$2
            "$vnd" -l
            [ -L /dev/vnd/vnd0 ]
            ! "$vnd" -c --export loop vnd0 $image 2>refused
            grep "/dev/vnd/vnd0 leads to another disk ($3)" refused
            "$vnd" -c vnd0 $image 2>taken
            grep "no block device: /dev/vnd/vnd0 leads to another disk ($3)" taken
            "$vnd" -u vnd0
            "$vnd" -c --export loop vnd1 $image
            [ $(readlink /dev/vnd/vnd1) != $3 ]
            "$vnd" -u vnd1
            EOF
            unshare --mount sh -eu elsewhere "$vnd" $images/b $mine >said 2>&1 || die "$(cat said)"
            [ "$(readlink /dev/vnd/vnd0)" = $mine ] || die "the name was taken away"
            await agree vnd0 a 0
            number=$(cat /sys/class/block/${mine#/dev/}/dev)
            mkdir -m 700 /run/vnd/vnd3 dir
            echo >dir/vnd3
            printf 'node\\t%s\\t%s\\t\\nlink\\t%s\\t%s\\t\\n' $mine $number $PWD/dir/vnd3p1 $mine >/run/vnd/vnd3/names
            ln -s $mine dir/vnd3p1
            "$vnd" -l
            [ -b $mine ] && [ -L dir/vnd3p1 ] || die "what was somebody else's is gone"
            chmod 770 /run/vnd/vnd3
            ln -s $mine /dev/vnd/vnd3
            printf 'link\\t/dev/vnd/vnd3\\t%s\\t\\n' $mine >/run/vnd/vnd3/names
            "$vnd" -l 2>said || :
            grep "isn't a folder of ours alone" said && [ -L /dev/vnd/vnd3 ] || die "others' words are believed: $(cat said)"
            rm -r /run/vnd/vnd3 /dev/vnd/vnd3
            "$vnd" -u vnd0
            [ -z "$(names vnd0)" ] || die "names stay"
            echo done
            """;

    /** With no space for a list a disk keeps its names as long as it is used, and is detached. */
    public static final String FULL = """
            attach vnd0 a
            printf 'size=2M\\nsize=3M\\n' | $sfdisk $(folder vnd0)/vnd0
            await agree vnd0 a 2
            mount -o remount,size=4m ${VND_STATE:-/run}
            cat /dev/zero >${VND_STATE:-/run}/fill 2>errors && die "it isn't full"
            exec 7<$(folder vnd0)/vnd0p2
            ! "$vnd" -u vnd0 2>said || die "it was in use"
            grep -q 'Device busy' said || die "$(cat said)"
            await agree vnd0 a 2
            exec 7<&-
            "$vnd" -u vnd0 || die "it can't be detached"
            [ -z "$(names vnd0)" ] || die "names stay"
            [ -z "$private" ] || [ -z "$(ls /dev | grep '^loop[0-9]*p')" ] || die "nodes stay"
            rm ${VND_STATE:-/run}/fill
            echo done
            """;

    /** A device whose names can't be noted isn't left to itself when another way to the disk is taken. */
    public static final String UNUSABLE = """
            mkdir -p -m 755 ${VND_STATE:-/run/vnd}
            mkdir -m 700 ${VND_STATE:-/run/vnd}/vnd0
            mkdir -p ${VND_STATE:-/run/vnd}/vnd0/names.tmp/in-the-way
            losetup --list --noheadings --output NAME | sort >before
            ! "$vnd" -c --export $export vnd0 $images/a 2>said || die "it has no list"
            grep -q names.tmp said || die "$(cat said)"
            mkdir -p -m 700 ${VND_STATE:-/run/vnd}/vnd0
            mkdir -p ${VND_STATE:-/run/vnd}/vnd0/names.tmp/in-the-way
            "$vnd" -c vnd0 $images/a 2>said || die "$(cat said)"
            grep -q 'no block device: .*names.tmp' said || die "$(cat said)"
            losetup --list --noheadings --output NAME,BACK-FILE | grep -E "vnd|$images|/proc/[0-9]*/fd" >left || :
            daemon=$("$vnd" -l --json | sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p')
            for child in $(cat /proc/$daemon/task/*/children); do
                [ "$(cat /proc/$child/comm)" != vnd-loop ] || die "a device is left: $(cat left)"
            done
            "$vnd" -u vnd0 || die "it can't be detached"
            echo done
            """;

    private NameScripts() {}
}
