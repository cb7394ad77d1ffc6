/*
 * A part of abi_probe.c: what is spoken with the ublk driver. Linux 6.12 has all of it; what the header at hand lacks, or all
 * of it where there is no such header, is declared here.
 */
#if __has_include(<linux/ublk_cmd.h>)
#include <linux/ublk_cmd.h>
#else
struct ublksrv_ctrl_cmd {
    uint32_t dev_id;
    uint16_t queue_id, len;
    uint64_t addr, data[1];
    uint16_t dev_path_len, pad;
    uint32_t reserved;
};
struct ublksrv_ctrl_dev_info {
    uint16_t nr_hw_queues, queue_depth, state, pad0;
    uint32_t max_io_buf_bytes, dev_id;
    int32_t ublksrv_pid;
    uint32_t pad1;
    uint64_t flags, ublksrv_flags;
    uint32_t owner_uid, owner_gid;
    uint64_t reserved1, reserved2;
};
struct ublksrv_io_desc {
    uint32_t op_flags, nr_sectors;
    uint64_t start_sector, addr;
};
struct ublksrv_io_cmd {
    uint16_t q_id, tag;
    int32_t result;
    uint64_t addr;
};
struct ublk_params {
    uint32_t len, types;
    struct {
        uint32_t attrs;
        uint8_t logical_bs_shift, physical_bs_shift, io_opt_shift, io_min_shift;
        uint32_t max_sectors, chunk_sectors;
        uint64_t dev_sectors, virt_boundary_mask;
    } basic;
    struct {
        uint32_t discard_alignment, discard_granularity, max_discard_sectors, max_write_zeroes_sectors;
        uint16_t max_discard_segments, reserved0;
    } discard;
};
enum {
    UBLK_CMD_GET_DEV_INFO = 2,
    UBLK_CMD_ADD_DEV = 4,
    UBLK_CMD_DEL_DEV,
    UBLK_CMD_START_DEV,
    UBLK_CMD_STOP_DEV,
    UBLK_CMD_SET_PARAMS,
    UBLK_IO_FETCH_REQ = 0x20,
    UBLK_IO_COMMIT_AND_FETCH_REQ
};
enum { UBLK_IO_OP_READ, UBLK_IO_OP_WRITE, UBLK_IO_OP_FLUSH, UBLK_IO_OP_DISCARD, UBLK_IO_OP_WRITE_ZEROES = 5 };
#define UBLK_IO_F_FUA (1 << 13)
#define UBLK_IO_F_NOUNMAP (1 << 15)
#define UBLK_IO_RES_OK 0
#define UBLKSRV_IO_BUF_OFFSET 0x80000000
#define UBLK_PARAM_TYPE_BASIC 1
#define UBLK_PARAM_TYPE_DISCARD 2
#define UBLK_ATTR_READ_ONLY 1
#define UBLK_ATTR_VOLATILE_CACHE 4
#define UBLK_ATTR_FUA 8
#endif

/* Linux 6.4 has these. */
#ifndef UBLK_U_CMD_ADD_DEV
#define UBLK_U_CMD_GET_DEV_INFO _IOR('u', UBLK_CMD_GET_DEV_INFO, struct ublksrv_ctrl_cmd)
#define UBLK_U_CMD_ADD_DEV _IOWR('u', UBLK_CMD_ADD_DEV, struct ublksrv_ctrl_cmd)
#define UBLK_U_CMD_DEL_DEV _IOWR('u', UBLK_CMD_DEL_DEV, struct ublksrv_ctrl_cmd)
#define UBLK_U_CMD_START_DEV _IOWR('u', UBLK_CMD_START_DEV, struct ublksrv_ctrl_cmd)
#define UBLK_U_CMD_STOP_DEV _IOWR('u', UBLK_CMD_STOP_DEV, struct ublksrv_ctrl_cmd)
#define UBLK_U_CMD_SET_PARAMS _IOWR('u', UBLK_CMD_SET_PARAMS, struct ublksrv_ctrl_cmd)
#define UBLK_U_IO_FETCH_REQ _IOWR('u', UBLK_IO_FETCH_REQ, struct ublksrv_io_cmd)
#define UBLK_U_IO_COMMIT_AND_FETCH_REQ _IOWR('u', UBLK_IO_COMMIT_AND_FETCH_REQ, struct ublksrv_io_cmd)
#define UBLK_F_CMD_IOCTL_ENCODE (1UL << 6)
#endif

/* Linux 6.5 has these. */
#ifndef UBLK_U_CMD_GET_FEATURES
#define UBLK_U_CMD_GET_FEATURES _IOR('u', 0x13, struct ublksrv_ctrl_cmd)
#define UBLK_F_USER_COPY (1UL << 7)
#define UBLK_TAG_OFF 25
#endif

/* An ioctl's number is unsigned, and Java's ints are not. */
#define UBLK_COMMAND(constant) printf("Ublk." #constant " %d\n", (int32_t)(constant))

static void ublk(void)
{
    LINE(Ublk, READ, (int32_t)_IOR('u', 0, struct ublksrv_ctrl_cmd));
    LINE(Ublk, READ_WRITE, (int32_t)_IOWR('u', 0, struct ublksrv_ctrl_cmd));
    LINE(Ublk, IO, (int32_t)_IOWR('u', 0, struct ublksrv_io_cmd));
    UBLK_COMMAND(UBLK_U_CMD_GET_DEV_INFO);
    UBLK_COMMAND(UBLK_U_CMD_ADD_DEV);
    UBLK_COMMAND(UBLK_U_CMD_DEL_DEV);
    UBLK_COMMAND(UBLK_U_CMD_START_DEV);
    UBLK_COMMAND(UBLK_U_CMD_STOP_DEV);
    UBLK_COMMAND(UBLK_U_CMD_SET_PARAMS);
    UBLK_COMMAND(UBLK_U_CMD_GET_FEATURES);
    UBLK_COMMAND(UBLK_U_IO_FETCH_REQ);
    UBLK_COMMAND(UBLK_U_IO_COMMIT_AND_FETCH_REQ);
    SAME(Ublk, UBLK_IO_RES_OK);
    SAME(Ublk, UBLK_F_CMD_IOCTL_ENCODE);
    SAME(Ublk, UBLK_F_USER_COPY);
    SAME(Ublk, UBLKSRV_IO_BUF_OFFSET);
    SAME(Ublk, UBLK_TAG_OFF);

    SIZE(UblkControlCommand, struct ublksrv_ctrl_cmd);
    OFFSET(UblkControlCommand, DEV_ID, struct ublksrv_ctrl_cmd, dev_id);
    OFFSET(UblkControlCommand, QUEUE_ID, struct ublksrv_ctrl_cmd, queue_id);
    OFFSET(UblkControlCommand, LEN, struct ublksrv_ctrl_cmd, len);
    OFFSET(UblkControlCommand, ADDR, struct ublksrv_ctrl_cmd, addr);
    OFFSET(UblkControlCommand, DATA, struct ublksrv_ctrl_cmd, data);
    LINE(UblkControlCommand, NO_QUEUE, (int16_t)UINT16_MAX);

    SIZE(UblkDeviceInfo, struct ublksrv_ctrl_dev_info);
    OFFSET(UblkDeviceInfo, NR_HW_QUEUES, struct ublksrv_ctrl_dev_info, nr_hw_queues);
    OFFSET(UblkDeviceInfo, QUEUE_DEPTH, struct ublksrv_ctrl_dev_info, queue_depth);
    OFFSET(UblkDeviceInfo, MAX_IO_BUF_BYTES, struct ublksrv_ctrl_dev_info, max_io_buf_bytes);
    OFFSET(UblkDeviceInfo, DEV_ID, struct ublksrv_ctrl_dev_info, dev_id);
    OFFSET(UblkDeviceInfo, UBLKSRV_PID, struct ublksrv_ctrl_dev_info, ublksrv_pid);
    OFFSET(UblkDeviceInfo, FLAGS, struct ublksrv_ctrl_dev_info, flags);
    OFFSET(UblkDeviceInfo, UBLKSRV_FLAGS, struct ublksrv_ctrl_dev_info, ublksrv_flags);
    LINE(UblkDeviceInfo, ANY_DEVICE, (int32_t)UINT32_MAX);

    SIZE(UblkDescriptor, struct ublksrv_io_desc);
    OFFSET(UblkDescriptor, NR_SECTORS, struct ublksrv_io_desc, nr_sectors);
    OFFSET(UblkDescriptor, START_SECTOR, struct ublksrv_io_desc, start_sector);
    SAME(UblkDescriptor, UBLK_IO_OP_READ);
    SAME(UblkDescriptor, UBLK_IO_OP_WRITE);
    SAME(UblkDescriptor, UBLK_IO_OP_FLUSH);
    SAME(UblkDescriptor, UBLK_IO_OP_DISCARD);
    SAME(UblkDescriptor, UBLK_IO_OP_WRITE_ZEROES);
    SAME(UblkDescriptor, UBLK_IO_F_FUA);
    SAME(UblkDescriptor, UBLK_IO_F_NOUNMAP);
    LINE(UblkDescriptor, OPERATION_MASK, (1 << 8) - 1);

    SIZE(UblkIoCommand, struct ublksrv_io_cmd);
    OFFSET(UblkIoCommand, TAG, struct ublksrv_io_cmd, tag);
    OFFSET(UblkIoCommand, RESULT, struct ublksrv_io_cmd, result);

    /* Up to its part about discarding: what is behind that, later kernels have, and compilers fill up. */
    LINE(UblkParameters, SIZE_BYTES, offsetof(struct ublk_params, discard.reserved0) + sizeof(uint16_t));
    LINE(UblkParameters, SECTOR_SHIFT, 9);
    OFFSET(UblkParameters, LEN, struct ublk_params, len);
    OFFSET(UblkParameters, TYPES, struct ublk_params, types);
    OFFSET(UblkParameters, ATTRS, struct ublk_params, basic.attrs);
    OFFSET(UblkParameters, LOGICAL_BS_SHIFT, struct ublk_params, basic.logical_bs_shift);
    OFFSET(UblkParameters, PHYSICAL_BS_SHIFT, struct ublk_params, basic.physical_bs_shift);
    OFFSET(UblkParameters, IO_OPT_SHIFT, struct ublk_params, basic.io_opt_shift);
    OFFSET(UblkParameters, IO_MIN_SHIFT, struct ublk_params, basic.io_min_shift);
    OFFSET(UblkParameters, MAX_SECTORS, struct ublk_params, basic.max_sectors);
    OFFSET(UblkParameters, DEV_SECTORS, struct ublk_params, basic.dev_sectors);
    OFFSET(UblkParameters, DISCARD_GRANULARITY, struct ublk_params, discard.discard_granularity);
    OFFSET(UblkParameters, MAX_DISCARD_SECTORS, struct ublk_params, discard.max_discard_sectors);
    OFFSET(UblkParameters, MAX_WRITE_ZEROES_SECTORS, struct ublk_params, discard.max_write_zeroes_sectors);
    OFFSET(UblkParameters, MAX_DISCARD_SEGMENTS, struct ublk_params, discard.max_discard_segments);
    SAME(UblkParameters, UBLK_PARAM_TYPE_BASIC);
    SAME(UblkParameters, UBLK_PARAM_TYPE_DISCARD);
    SAME(UblkParameters, UBLK_ATTR_READ_ONLY);
    SAME(UblkParameters, UBLK_ATTR_VOLATILE_CACHE);
    SAME(UblkParameters, UBLK_ATTR_FUA);
}
