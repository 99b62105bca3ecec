/*
 * The command interface: a queue of 32 slots in the guest's memory, messages in chains of mailboxes, a doorbell; and which subject carries
 * out which command. Layout and delivery statuses: the driver's mlx5_core/cmd.c and struct mlx5_cmd_layout, mlx5_cmd_prot_block.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"
#include "opcode-names.h"

#define LAYOUT 64
#define MAILBOX_DATA 512
#define MAILBOX_NEXT 560
#define MAILBOX_NUMBER 568
#define MAILBOX_TOKEN 573
#define MAX_MESSAGE (1 * MiB)
#define EVENT_CMD 0xa

enum Delivery { DELIVERED = 0, BAD_TOKEN = 2, BAD_BLOCK = 3, BAD_OUT_POINTER = 4, BAD_IN_POINTER = 5, BAD_IN_LENGTH = 7, BAD_OUT_LENGTH = 8 };

static const CommandEntry *const subjects[] = {
    hca_commands, resource_commands, event_commands, queue_commands, vport_commands, port_commands, lag_commands, steering_commands,
    tunnel_commands,
};

static const CommandEntry *entry_of(unsigned opcode)
{
    static const CommandEntry *table[0x1000];
    static bool filled;
    if (!filled) {
        for (size_t s = 0; s < ARRAY_SIZE(subjects); s++) {
            for (const CommandEntry *e = subjects[s]; e->handler; e++) {
                table[e->opcode & 0xfff] = e;
            }
        }
        filled = true;
    }
    return opcode < ARRAY_SIZE(table) ? table[opcode] : NULL;
}

const char *opcode_name(unsigned opcode)
{
    for (size_t i = 0; i < ARRAY_SIZE(opcode_names); i++) {
        if (opcode_names[i].opcode == opcode) {
            return opcode_names[i].name;
        }
    }
    return "?";
}

int opcode_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(opcode_names); i++) {
        if (!strcmp(opcode_names[i].name, name)) {
            return opcode_names[i].opcode;
        }
    }
    return -1;
}

uint8_t refuse(Command *c, uint8_t status, uint32_t syndrome, const char *why)
{
    c->status = status;
    c->syndrome = syndrome;
    LOG(c->f, "%s (0x%x): status 0x%x, syndrome 0x%x: %s", opcode_name(c->opcode), c->opcode, status, syndrome, why);
    return status;
}

static void dispatch(Command *c)
{
    const CommandEntry *e = entry_of(c->opcode);
    if (!e) {
        refuse(c, STATUS_BAD_OP, 0, "unknown");
    } else if (e->flags & (PF_ONLY | ESWITCH) && c->f->is_vf) {
        refuse(c, STATUS_BAD_OP, 0, "a VF may not");
    } else if (!(e->flags & ANY_TIME) && !c->f->initialized) {
        refuse(c, STATUS_BAD_SYS_STATE, 0, "before INIT_HCA");
    } else if (c->in_length < e->in_length) {
        refuse(c, STATUS_BAD_INPUT_LENGTH, 0, "input too short");
    } else if (c->out_length < e->out_length) {
        refuse(c, STATUS_BAD_OUTPUT_LENGTH, 0, "output too short");
    } else {
        c->status = e->handler(c);
    }
}

#ifdef CONNECTX_FUZZ
/* The fuzzer records what a driver asks (fuzz.c). */
void (*command_watch)(const Command *c);
#endif

void command_run(Command *c)
{
    c->opcode = lduw_be_p(c->in);
    c->op_mod = lduw_be_p(c->in + 6);
    c->status = STATUS_OK;
    c->syndrome = 0;
    LOG(c->f, "%s (0x%x) mod 0x%x, %u and %u bytes", opcode_name(c->opcode), c->opcode, c->op_mod, c->in_length, c->out_length);
    Verdict v = fault_for(c->f, c->opcode);
    if (v.fail) {
        refuse(c, v.status, v.syndrome, "as the fault says");
    } else {
        dispatch(c);
    }
    if (c->status != STATUS_OK) {
        memset(c->out, 0, c->out_length);
        c->out[0] = c->status;
        stl_be_p(c->out + 4, c->syndrome);
    }
#ifdef CONNECTX_FUZZ
    if (command_watch) {
        command_watch(c);
    }
#endif
}

/* Gathers or spreads the part of a message that its chain of mailboxes holds. */
static enum Delivery mailboxes(Function *f, uint64_t address, uint8_t token, uint8_t *bytes, uint32_t length, bool to_guest)
{
    uint8_t tail[576 - MAILBOX_DATA];
    uint32_t number = 0;
    for (uint32_t offset = 0; offset < length; offset += MAILBOX_DATA, number++) {
        uint32_t n = MIN(length - offset, MAILBOX_DATA);
        if (!address || address & (MAILBOX_DATA - 1)) {
            return to_guest ? BAD_OUT_POINTER : BAD_IN_POINTER;
        }
        if (!guest_read(f, address + MAILBOX_DATA, tail, sizeof(tail))) {
            return to_guest ? BAD_OUT_POINTER : BAD_IN_POINTER;
        }
        if (tail[MAILBOX_TOKEN - MAILBOX_DATA] != token) {
            return BAD_TOKEN;
        }
        if (ldl_be_p(tail + MAILBOX_NUMBER - MAILBOX_DATA) != number) {
            return BAD_BLOCK;
        }
        if (to_guest) {
            guest_write(f, address, bytes + offset, n);
        } else if (!guest_read(f, address, bytes + offset, n)) {
            return BAD_IN_POINTER;
        }
        address = ldq_be_p(tail + MAILBOX_NEXT - MAILBOX_DATA);
    }
    return DELIVERED;
}

static uint64_t layout_address(Function *f, unsigned slot)
{
    return f->command_queue + LAYOUT * slot;
}

/* Hands the slot back to the driver and tells it, where it takes events. */
static void answer(Function *f, unsigned slot, enum Delivery delivery, const Eq *before)
{
    uint8_t own = delivery << 1, data[28] = { 0 };
    guest_write(f, layout_address(f, slot) + LAYOUT - 1, &own, 1);
    Eq *q = eq_for(f, EVENT_CMD);
    /* The command that makes the first queue, or ends the last one, is asked for by polling. */
    if (before && q == before) {
        stl_be_p(data, 1u << slot);
        eq_post(f, q, EVENT_CMD, 0, data);
    }
}

static void execute(Function *f, unsigned slot)
{
    uint8_t layout[LAYOUT];
    if (!f->command_queue || !guest_read(f, layout_address(f, slot), layout, LAYOUT) || !(layout[LAYOUT - 1] & 1)) {
        return;
    }
    uint32_t in_length = ldl_be_p(layout + 4), out_length = ldl_be_p(layout + 56);
    uint8_t token = layout[60];
    const Eq *before = eq_for(f, EVENT_CMD);
    enum Delivery delivery = DELIVERED;
    if (in_length < 8 || in_length > MAX_MESSAGE) {
        delivery = BAD_IN_LENGTH;
    } else if (out_length < 8 || out_length > MAX_MESSAGE) {
        delivery = BAD_OUT_LENGTH;
    } else {
        /* Fields that a newer header has may lie behind what the driver sent; they read as zero. */
        g_autofree uint8_t *in = g_malloc0(MAX(in_length, 16) + 0x1000);
        g_autofree uint8_t *out = g_malloc0(MAX(out_length, 16) + 0x1000);
        memcpy(in, layout + 16, 16);
        if (in_length > 16) {
            delivery = mailboxes(f, ldq_be_p(layout + 8), token, in + 16, in_length - 16, false);
        }
        if (delivery == DELIVERED) {
            Command c = { .f = f, .in = in, .out = out, .in_length = in_length, .out_length = out_length };
            command_run(&c);
            if (out_length > 16) {
                delivery = mailboxes(f, ldq_be_p(layout + 48), token, out + 16, out_length - 16, true);
            }
            guest_write(f, layout_address(f, slot) + 32, out, 16);
        }
    }
    if (delivery != DELIVERED) {
        LOG(f, "command in slot %u not delivered: %d", slot, delivery);
    }
    answer(f, slot, delivery, before);
    if (f->forget_after_answer) {
        f->forget_after_answer = false;
        function_forget(f);
    }
}

/* The opcode of what waits in a slot: the fault that is set for it decides when. */
static unsigned opcode_in(Function *f, unsigned slot)
{
    uint8_t head[2];
    guest_read(f, layout_address(f, slot) + 16, head, 2);
    return lduw_be_p(head);
}

static void set_timer(Function *f)
{
    int64_t next = INT64_MAX;
    for (unsigned i = 0; i < 32; i++) {
        if (f->pending >> i & 1) {
            next = MIN(next, f->answer_at[i]);
        }
    }
    if (next == INT64_MAX) {
        timer_del(f->answer);
    } else {
        timer_mod(f->answer, next);
    }
}

static void due(void *opaque)
{
    Function *f = opaque;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    for (unsigned i = 0; i < 32; i++) {
        if (f->pending >> i & 1 && f->answer_at[i] <= now) {
            f->pending &= ~(1u << i);
            execute(f, i);
        }
    }
    set_timer(f);
}

void command_doorbell(Function *f, uint32_t slots)
{
    if (f->interface_state != 0 || card_health(f->card)->fatal || !f->command_queue) {
        return;
    }
    for (unsigned i = 0; i < 32; i++) {
        if (!(slots >> i & 1) || f->pending >> i & 1) {
            continue;
        }
        int64_t delay = fault_delay(f, opcode_in(f, i));
        if (delay < 0) {
            LOG(f, "%s is never answered: so the fault says", opcode_name(opcode_in(f, i)));
        } else if (delay > 0) {
            f->pending |= 1u << i;
            f->answer_at[i] = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + delay;
        } else {
            execute(f, i);
        }
    }
    set_timer(f);
}

void command_init(Function *f)
{
    f->answer = timer_new_ns(QEMU_CLOCK_VIRTUAL, due, f);
}

void command_restored(Function *f)
{
    set_timer(f);
}

void command_exit(Function *f)
{
    timer_free(f->answer);
    f->answer = NULL;
}

void command_reset(Function *f)
{
    f->command_queue = 0;
    f->command_queue_high = 0;
    f->interface_state = 0;
    f->pending = 0;
    timer_del(f->answer);
}
