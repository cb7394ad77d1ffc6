package org.vnd.cli;

/** The texts of {@code --help} and of a wrong command line. */
final class Usage {
    /** NetBSD's, to the letter. */
    static final String TEXT = """
            Usage: vndconfig [-cirvz] [-f dsktab] [-t type] vnode_disk reg-file [geomspec]
                   vndconfig -u [-Fv] vnode_disk
                   vndconfig -l [-m num | vnode_disk...]
            """;

    static final String CREATE = "usage: vndconfig create [--contiguous] file size";

    static final String HELP = TEXT + """
                   vndconfig -c [options] reg-file
                   vndconfig --recover [reg-file | vnode_disk...]
                   vndconfig create [--contiguous] reg-file size

              -c             attach reg-file as vnode_disk (vnd0, vnd1, ...); this is the default.
                             With reg-file alone: as the first free one, whose name is printed
              -u             detach: returns when everything is on stable storage and the file unlocked
              -l             list the disks; with -v all that is known of them
              -F             detach also if clients are connected, and a block device in use as soon as
                             it isn't any more; give up a disk that crashed and can't be recovered
              -f disktab     look the type up in this file instead of /etc/disktab
              -i             use the file itself rather than its blocks, as --engine file
              -m num         list at least num units, also unused ones (4); 0: only used ones
              -r             attach read-only
              -t type        take the geometry of this disk type
              -v             say what was done
              -z             compressed images: not supported
              geomspec       secsize/nsectors/ntracks/ncylinders

              --engine auto|physical|file
                             physical: through the block map, past the file system, or not at all;
                             file: through the file; auto: physical where it is sound (default)
              --export auto|loop|dm|ublk|nbd-kernel|fuse+loop|fuse|nbd
                             how the disk is reached beside NBD on a Unix socket: nbd: not at all;
                             fuse: as a file; auto: by the best block device that can be had
                             (default, or VND_EXPORT); the others: as a block device by these
              --allocate     fill holes and unwritten extents first, so that physical is possible
              --offset N     the disk begins N bytes into the file; K, M, G, T: powers of 1024
              --sizelimit N  the disk is at most N bytes long
              --sector-size 512|4096
                             the disk's logical block; without it the geomspec's, or the device's
              --timeout SECONDS
                             answer requests to the block device with an error if the daemon, stopped or
                             stuck, doesn't for so long (nbd-kernel, fuse+loop, fuse); without it they wait
              --foreground   stay until the disk is detached; ^C detaches
              --json         with -l: as JSON
              --recover      put files back in order whose disk crashed: these, or all that are known
              create         make an image file of zeros, all of it allocated and written, as no other
                             may be there yet; K, M, G, T after size: powers of 1024
              --contiguous   in one extent, as --export loop needs it, or not at all
              --version      print the version
              --help         print this
            """;

    private Usage() {}
}
