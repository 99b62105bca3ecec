/*
 * BAR 0: the initialization segment (struct mlx5_init_seg of the driver's device.h), the health buffer, and the doorbells of each UAR.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"

enum {
    FW_REV = 0x00, FW_SUB = 0x04, QUEUE_HIGH = 0x10, QUEUE_LOW = 0x14, DOORBELL = 0x18, INITIALIZING = 0x1fc, HEALTH = 0x200,
    TIMER_HIGH = 0x1000, TIMER_LOW = 0x1004, HEALTH_COUNTER = 0x1010, SEGMENT_END = 0x2000,
};
/* In the health buffer: the assert's firmware version, severity and syndrome (struct health_buffer). */
enum { HEALTH_FW_VERSION = HEALTH + 0x30, HEALTH_HW_ID = HEALTH + 0x34, HEALTH_SEVERITY = HEALTH + 0x38, HEALTH_SYNDROME = HEALTH + 0x3c };
/* Offsets in a UAR's page. */
enum { CQ_ARM = 0x20, EQ_ARM = 0x40, EQ_UPDATE = 0x48, SEND = 0x800 };

#define COMMAND_INTERFACE 5
#define LOG_COMMANDS 5
#define LOG_STRIDE 6
/* Ticks of the free-running counter, in nanoseconds: device_frequency_khz of 1,000,000. */
#define HEALTH_TICK 10000000

static uint32_t segment_read(Function *f, hwaddr a)
{
    uint64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    const Health *health = card_health(f->card);
    switch (a) {
    case FW_REV:
        return FIRMWARE_MINOR << 16 | firmware_major(f->card);
    case FW_SUB:
        return COMMAND_INTERFACE << 16 | FIRMWARE_SUB;
    case QUEUE_HIGH:
        return f->command_queue_high;
    case QUEUE_LOW:
        /* Firmware that fell over shows a NIC that is disabled (health.c, mlx5_handle_bad_state). */
        return (f->command_queue & 0xfffff000) | (health->fatal ? 1 : f->interface_state) << 8 | LOG_COMMANDS << 4 | LOG_STRIDE;
    case DOORBELL:
        return f->pending;
    case HEALTH_FW_VERSION:
        return firmware_major(f->card) << 24 | FIRMWARE_MINOR << 16 | FIRMWARE_SUB;
    case HEALTH_HW_ID:
        return 0x212;
    case HEALTH_SEVERITY:
        return health->fatal ? 1u << 31 | 2u << 24 : 0;         /* rfr, severity critical */
    case HEALTH_SYNDROME:
        return health->syndrome << 16;
    case TIMER_HIGH:
        return now >> 32;
    case TIMER_LOW:
        return now;
    case HEALTH_COUNTER:
        return health->frozen ? 1 : (now / HEALTH_TICK) & 0xffffff;
    }
    return 0;
}

static void segment_write(Function *f, hwaddr a, uint32_t v)
{
    switch (a) {
    case QUEUE_HIGH:
        f->command_queue_high = v;
        break;
    case QUEUE_LOW:
        f->command_queue = (uint64_t)f->command_queue_high << 32 | (v & 0xfffff000);
        if (f->interface_state != (v >> 8 & 7)) {
            f->interface_state = v >> 8 & 7;
            /* The driver's fast teardown, and its reset by software: firmware lets everything go. */
            if (f->interface_state != 0) {
                function_forget(f);
            }
        }
        break;
    case DOORBELL:
        command_doorbell(f, v);
        break;
    }
}

static uint64_t bar_read(void *opaque, hwaddr a, unsigned size)
{
    Function *f = opaque;
    if (f->removed) {
        return ~0ull;
    }
    /* Health is read by bytes (health.c, mlx5_health_check_fatal_sensors). */
    uint8_t word[4] = { 0 };
    unsigned at = a & 3;
    if (a < SEGMENT_END) {
        stl_be_p(word, segment_read(f, a & ~3ull));
    }
    return ldn_le_p(word + at, size <= 2 && at + size <= 4 ? size : at ? 1 : 4);
}

static void bar_write_alone(Function *f, hwaddr a, uint64_t value, unsigned size)
{
    uint8_t b[8];
    stq_le_p(b, value);
    if (f->removed) {
        return;
    }
    if (a < SEGMENT_END) {
        if (size == 4) {
            segment_write(f, a, ldl_be_p(b));
        }
        return;
    }
    /* A doorbell counts only in a page that the driver was given. */
    if (a < FIRST_UAR * 4096 || size < 4 || !f->initialized || !resource_find(f, KIND_UAR, a >> 12)) {
        return;
    }
    switch (a & 0xfff) {
    case EQ_ARM:
    case EQ_UPDATE:
        eq_doorbell(f, ldl_be_p(b), (a & 0xfff) == EQ_ARM);
        break;
    case CQ_ARM:
        if (size == 8) {
            cq_doorbell(f, ldl_be_p(b), ldl_be_p(b + 4));
        }
        break;
    default:
        /* Two buffers of blue flame registers; the first eight bytes of each are the doorbell. */
        if ((a & 0xfff) >= SEND && size == 8) {
            sq_doorbell(f, ldl_be_p(b), ldl_be_p(b + 4));
        }
    }
}

static void bar_write(void *opaque, hwaddr a, uint64_t value, unsigned size)
{
    Function *f = opaque;
    if (!f->card->busy) {
        f->card->busy = true;
        bar_write_alone(f, a, value, size);
        f->card->busy = false;
    }
}

const MemoryRegionOps bar_ops = {
    .read = bar_read,
    .write = bar_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};
