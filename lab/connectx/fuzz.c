/*
 * The fuzzer, in a sanitizer build only: drives the card as a hostile guest would, without a guest. README.md, "Fuzzing", has
 * how to run it.
 *
 *   CONNECTX_RECORD=FILE       writes what a real driver asks, while a guest runs, to FILE
 *   CONNECTX_FUZZ=COUNT:SEED   carries COUNT commands out and ends QEMU: those of the recording CONNECTX_REPLAY, in their order
 *                              and with the ids that this card gives, among changed and made-up ones; and doorbells, work
 *                              requests, packets from the cable, registers, tools' mailbox, faults, resets, VFs that come and go
 *   CONNECTX_FUZZ_BUG=1        makes a mistake itself, which must be found
 *
 * What it finds is what the sanitizers abort on, and whatever makes QEMU end early. The same seed does the same again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"
#include "access.h"
#include <sys/resource.h>
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-core.h"
#include "system/system.h"

#define SLACK 0x1000                    /* command.c gives commands as much behind their bytes */
#define MAX_IDS 512
#define BAR_BASE 0xe0000000u
#define BATCH 500
#define MAX_RECORDED 4096

extern void (*command_watch)(const Command *c);

/* One command of a recording. */
typedef struct Asked {
    uint8_t port, vf;                   /* vf 0: the PF */
    uint8_t status;
    uint32_t in_length, out_length;
    uint8_t id[4];                      /* where most commands answer the number of what they made */
    uint8_t *in;
} Asked;

static struct {
    Function *pf[PORTS];
    GArray *recording;
    GHashTable *ids;                    /* the recording's id -> this card's */
    uint32_t known[MAX_IDS];
    unsigned known_count, at, furthest, rounds, requests, taken;
    uint64_t count, done, good, random;
    unsigned passed[0x1000], asked[0x1000];
    QEMUTimer *timer;
} fuzz;

/* ---- chance: xorshift, so that a seed does the same everywhere ---- */

static uint64_t chance(void)
{
    fuzz.random ^= fuzz.random << 13;
    fuzz.random ^= fuzz.random >> 7;
    fuzz.random ^= fuzz.random << 17;
    return fuzz.random;
}

static unsigned below(unsigned n) { return n ? (chance() >> 11) % n : 0; }

static uint32_t some_id(void)
{
    return fuzz.known_count && below(8) ? fuzz.known[below(MIN(fuzz.known_count, MAX_IDS))] : below(64);
}

/* Values that often are on an edge, or of use. */
static uint32_t some_word(void)
{
    static const uint32_t edges[] = {
        0, 1, 2, 0xff, 0x100, 0xffff, 0x10000, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000, 0xffffffff,
    };
    switch (below(6)) {
    case 0:
        return edges[below(ARRAY_SIZE(edges))];
    case 1:
    case 2:
        return some_id();
    case 3:
        return below(256);
    case 4:
        return some_id() << 8 | below(256);
    default:
        return chance();
    }
}

/* Memory, its end, nothing, and the card's own registers. */
static uint64_t some_address(void)
{
    uint64_t page = (uint64_t)below(0x4000) << 12;
    switch (below(12)) {
    case 0:
        return chance();
    case 1:
        return BAR_BASE + below(16 * MiB);
    case 2:
        return UINT64_MAX - below(8192);
    default:
        return page;
    }
}

static void fill(uint8_t *bytes, unsigned length)
{
    for (unsigned i = 0; i < length; i++) {
        bytes[i] = chance();
    }
}

static void change(uint8_t *bytes, unsigned length, unsigned from)
{
    if (length <= from + 8) {
        return;
    }
    for (unsigned times = 1 + below(4); times; times--) {
        unsigned at = from + below(length - from), word = at & ~3u;
        switch (below(6)) {
        case 0:
            bytes[at] ^= 1 << below(8);
            break;
        case 1:
            bytes[at] = chance();
            break;
        case 2:
            if (word + 8 <= length) {
                stq_be_p(bytes + word, some_address());
            }
            break;
        default:
            if (word + 4 <= length) {
                stl_be_p(bytes + word, some_word());
            }
        }
    }
}

/* ---- the guest's memory and registers ---- */

static void write_memory(uint64_t address, const void *bytes, unsigned length)
{
    address_space_write(&address_space_memory, address, MEMTXATTRS_UNSPECIFIED, bytes, length);
}

static uint64_t bar_of(Function *f)
{
    return f->parent_obj.io_regions[0].addr == PCI_BAR_UNMAPPED ? 0 : f->parent_obj.io_regions[0].addr;
}

static void write_register(Function *f, uint64_t offset, uint64_t value, unsigned size)
{
    uint8_t b[8];
    stq_be_p(b, size == 4 ? value << 32 : value);
    if (bar_of(f)) {
        write_memory(bar_of(f) + offset, b, size);
    }
}

static void configure(PCIDevice *d, unsigned at, uint32_t value, int length)
{
    PCI_DEVICE_GET_CLASS(d)->config_write(d, at, value, length);
}

static Function *some_function(void)
{
    Port *p = &fuzz.pf[0]->card->ports[below(PORTS)];
    Function *vf = below(2) ? function_of_vport(p, 1 + below(4)) : NULL;
    return vf ? vf : p->pf;
}

static void enable(Function *f)
{
    configure(&f->parent_obj, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

/* VFs come or go. */
static void set_vfs(Function *pf, unsigned count)
{
    unsigned cap = pf->parent_obj.exp.sriov_cap;
    if (!cap) {
        return;
    }
    configure(&pf->parent_obj, cap + PCI_SRIOV_CTRL, 0, 2);
    if (count) {
        configure(&pf->parent_obj, cap + PCI_SRIOV_NUM_VF, count, 2);
        configure(&pf->parent_obj, cap + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE, 2);
    }
    for (unsigned v = 1; v <= count; v++) {
        Function *vf = function_of_vport(pf->port, v);
        if (vf) {
            enable(vf);
        }
    }
}

/* What firmware of the machine does: numbers for buses, places for BARs. */
static void begin_machine(void)
{
    PCIDevice *bridge = pci_bridge_get_device(fuzz.pf[0]->card->bus);
    configure(bridge, PCI_SECONDARY_BUS, 1, 1);
    configure(bridge, PCI_SUBORDINATE_BUS, 2, 1);
    configure(bridge, PCI_PREF_MEMORY_BASE, BAR_BASE >> 16, 2);
    configure(bridge, PCI_PREF_MEMORY_LIMIT, (BAR_BASE >> 16) + 0xff0, 2);
    configure(bridge, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
    for (unsigned i = 0; i < PORTS; i++) {
        Function *f = fuzz.pf[i];
        unsigned cap = f->parent_obj.exp.sriov_cap;
        configure(&f->parent_obj, PCI_BASE_ADDRESS_0, BAR_BASE + i * 32 * MiB, 4);
        configure(&f->parent_obj, PCI_BASE_ADDRESS_1, 0, 4);
        if (cap) {
            configure(&f->parent_obj, cap + PCI_SRIOV_BAR, BAR_BASE + 64 * MiB + i * 128 * MiB, 4);
            configure(&f->parent_obj, cap + PCI_SRIOV_BAR + 4, 0, 4);
        }
        enable(f);
    }
}

/* One of the card's resources of a kind; NULL where there is none. */
static void *some_resource(Kind kind)
{
    GHashTableIter i;
    gpointer value;
    Resource *found = NULL;
    unsigned seen = 0;
    g_hash_table_iter_init(&i, fuzz.pf[0]->card->resources);
    while (g_hash_table_iter_next(&i, NULL, &value)) {
        Resource *r = value;
        if (r->kind == kind && !below(++seen)) {
            found = r;
        }
    }
    return found;
}

/* ---- commands ---- */

static void remember(const Command *c)
{
    uint32_t id = ldl_be_p(c->out + 8) & 0xffffff;
    if (c->status == STATUS_OK && id) {
        fuzz.known[fuzz.known_count++ % MAX_IDS] = id;
    }
}

static uint32_t run(Function *f, const uint8_t *in, uint32_t in_length, uint32_t out_length)
{
    g_autofree uint8_t *copy = g_malloc0(MAX(in_length, 16) + SLACK), *out = g_malloc0(MAX(out_length, 16) + SLACK);
    Command c = { .f = f, .in = copy, .out = out, .in_length = in_length, .out_length = out_length };
    memcpy(copy, in, in_length);
    command_run(&c);
    remember(&c);
    fuzz.done++;
    fuzz.asked[c.opcode & 0xfff]++;
    if (c.status == STATUS_OK) {
        fuzz.good++;
        fuzz.passed[c.opcode & 0xfff]++;
    }
    return c.status == STATUS_OK ? ldl_be_p(out + 8) & 0xffffff : 0;
}

/* Numbers that the recording's card gave become those that this one gave. */
static void translate(uint8_t *in, uint32_t length)
{
    for (uint32_t at = 8; at + 4 <= length; at += 4) {
        uint32_t word = ldl_be_p(in + at);
        gpointer id = g_hash_table_lookup(fuzz.ids, GUINT_TO_POINTER(word & 0xffffff));
        if (id) {
            stl_be_p(in + at, (word & 0xff000000) | GPOINTER_TO_UINT(id));
        } else if ((id = g_hash_table_lookup(fuzz.ids, GUINT_TO_POINTER(word >> 8)))) {
            stl_be_p(in + at, GPOINTER_TO_UINT(id) << 8 | (word & 0xff));
        }
    }
}

/* Every Linux driver begins so; a recording may have begun later, or a made-up command ended it. */
static void begin_function(Function *f)
{
    static const unsigned opcodes[] = {
        MLX5_CMD_OP_ENABLE_HCA, MLX5_CMD_OP_SET_ISSI, MLX5_CMD_OP_INIT_HCA, MLX5_CMD_OP_ALLOC_UAR,
    };
    for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
        uint8_t in[64] = { 0 };
        stw_be_p(in, opcodes[i]);
        run(f, in, sizeof(in), 64);
    }
}

/* What ends a function's life ends what the recording builds on it. */
static bool ends(unsigned opcode)
{
    return opcode == MLX5_CMD_OP_TEARDOWN_HCA || opcode == MLX5_CMD_OP_DISABLE_HCA;
}

static void change_and_run(Function *f, const uint8_t *in, uint32_t in_length, uint32_t out_length)
{
    uint32_t length = in_length;
    g_autofree uint8_t *copy = g_memdup2(in, in_length);
    if (ends(lduw_be_p(in)) && below(20)) {
        return;
    }
    change(copy, length, 4);
    if (!below(8)) {
        length = 8 + below(in_length - 7);
    }
    if (!below(8)) {
        out_length = 8 + below(out_length);
    }
    run(below(8) ? f : some_function(), copy, length, out_length);
}

static void next_recorded(void)
{
    bool broken = fuzz.at > 200 && !fuzz.pf[0]->initialized && !below(50);
    if (fuzz.at == fuzz.recording->len || broken) {
        fuzz.furthest = MAX(fuzz.furthest, fuzz.at);
        fuzz.rounds++;
        fuzz.at = 0;
        g_hash_table_remove_all(fuzz.ids);
        for (unsigned i = 0; i < PORTS; i++) {
            device_cold_reset(DEVICE(fuzz.pf[i]));
            begin_machine();
        }
    }
    const Asked *a = &g_array_index(fuzz.recording, Asked, fuzz.at++);
    Port *p = &fuzz.pf[0]->card->ports[a->port];
    Function *f = function_of_vport(p, a->vf);
    if (!f && p->pf) {
        set_vfs(p->pf, MAX(a->vf, 2));
        f = function_of_vport(p, a->vf);
    }
    if (!f) {
        return;
    }
    g_autofree uint8_t *in = g_memdup2(a->in, a->in_length);
    translate(in, a->in_length);
    if (!below(3)) {
        change_and_run(f, in, a->in_length, a->out_length);
    }
    uint32_t id = run(f, in, a->in_length, a->out_length), old = ldl_be_p(a->id) & 0xffffff;
    /* Small numbers are too much like others. */
    if (a->status == STATUS_OK && old >= 0x40 && id) {
        g_hash_table_insert(fuzz.ids, GUINT_TO_POINTER(old), GUINT_TO_POINTER(id));
    }
}

/* Any opcode that some subject knows, with bytes by chance. */
static void made_up(void)
{
    static const CommandEntry *const subjects[] = {
        hca_commands, resource_commands, event_commands, queue_commands, vport_commands, port_commands, lag_commands,
        steering_commands,
    };
    const CommandEntry *e = subjects[below(ARRAY_SIZE(subjects))];
    uint8_t in[2048] = { 0 };
    unsigned count = 0;
    while (e[count].handler) {
        count++;
    }
    e += below(count);
    if (ends(e->opcode) && below(50)) {
        return;
    }
    unsigned length = MIN(e->in_length + below(256), sizeof(in));
    if (below(2)) {
        fill(in, length);
    }
    for (unsigned at = 8; at + 4 <= length && below(4); at += 4) {
        stl_be_p(in + at, some_word());
    }
    stw_be_p(in, below(200) ? e->opcode : below(0x10000));
    stw_be_p(in + 6, below(4) ? below(4) : chance());
    run(some_function(), in, MAX(length, 8), MIN(e->out_length + below(512), 8192));
}

/* The same by way of the queue in memory, whose own fields are not to be trusted either. */
static void by_queue(Function *f)
{
    uint8_t layout[64] = { 7 }, mailbox[576] = { 0 };
    uint64_t queue = 0x100000, box = below(8) ? 0x102000 : some_address();
    unsigned slot = below(32);
    stl_be_p(layout + 4, below(4) ? 16 + below(600) : some_word());
    stq_be_p(layout + 8, box);
    stw_be_p(layout + 16, below(0x1000));
    stq_be_p(layout + 48, below(8) ? 0x104000 : some_address());
    stl_be_p(layout + 56, below(4) ? 16 + below(600) : some_word());
    layout[63] = below(8) ? 1 : chance();
    fill(mailbox, 64);
    stq_be_p(mailbox + 560, below(2) ? box : some_address());
    write_memory(queue + 64 * slot, layout, sizeof(layout));
    write_memory(0x102000, mailbox, sizeof(mailbox));
    write_register(f, 0x10, 0, 4);
    write_register(f, 0x14, queue, 4);
    write_register(f, 0x18, below(4) ? 1u << slot : chance(), 4);
    fuzz.done++;
}

/* ---- packets and requests ---- */

static unsigned some_packet(uint8_t *b, unsigned space)
{
    static const uint16_t types[] = { 0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 0x8847 };
    static const uint16_t ports[] = { 4789, 6081, 53, 80, 1 };
    unsigned length = 14 + below(below(4) ? 200 : space - 14), at = 12;
    fill(b, length);
    if (below(4)) {
        const Vport *v = &fuzz.pf[0]->card->ports[below(PORTS)].vports[below(4)];
        memcpy(b, AT(nic_vport_context, v->nic, permanent_address) + 2, 6);
    } else if (below(2)) {
        memset(b, 0xff, 6);
    }
    for (unsigned tags = below(4); tags && at + 4 < length; tags--, at += 4) {
        stw_be_p(b + at, types[2 + below(2)]);
    }
    stw_be_p(b + at, types[below(ARRAY_SIZE(types))]);
    at += 2;
    if (below(4) && at + 28 < length) {
        b[at] = 0x40 | (below(4) ? 5 : below(16));
        stw_be_p(b + at + 2, below(4) ? length - at : chance());
        stw_be_p(b + at + 6, below(4) ? 0 : chance());
        b[at + 9] = below(2) ? 17 : 6;
        stw_be_p(b + at + 22, ports[below(ARRAY_SIZE(ports))]);
        if (at + 64 < length && below(2)) {
            stw_be_p(b + at + 48, types[below(ARRAY_SIZE(types))]);
        }
    }
    return length;
}

static void from_cable(void)
{
    uint8_t bytes[2048];
    unsigned length = some_packet(bytes, sizeof(bytes));
    Port *port = &fuzz.pf[0]->card->ports[below(PORTS)];
    if (!port->pf) {
        return;
    }
    Packet *k = packet_new(port->card, length);
    memcpy(k->bytes, bytes, length);
    k->from = port;
    packet_parse(k);
    eswitch_input(port, UPLINK, k);
    packet_free(k);
}

/* Requests of a send queue, where its pages are, and its doorbell. */
static void requests(void)
{
    Wq *q = some_resource(KIND_SQ);
    static const uint8_t opcodes[] = { 0x00, 0x0a, 0x0e, 0x25, 0x08 };
    uint8_t w[1024] = { 0 }, frame[1024], record[4];
    if (!q || !q->buffer.count) {
        return;
    }
    Function *f = q->resource.owner;
    fuzz.requests++;
    if (!below(4)) {
        q->state.state = QUEUE_READY;           /* where an unsound request put it in error */
    }
    unsigned units = below(4) ? 4 + below(12) : below(64), inlined = below(3) ? 18 + below(110) : below(1024);
    fill(w, 16);
    stl_be_p(w, (uint32_t)q->state.index << 8 | opcodes[below(ARRAY_SIZE(opcodes))]);
    stl_be_p(w + 4, q->resource.id << 8 | (units & 0x3f));
    w[11] = below(4) ? 8 : chance();
    w[20] = chance();
    stw_be_p(w + 22, below(2) ? 0 : 1 + below(1500));
    stw_be_p(w + 28, inlined | (below(4) ? 0 : 0x8000));
    some_packet(frame, sizeof(frame));
    memcpy(w + 30, frame, MIN(inlined, sizeof(w) - 30));
    for (unsigned at = ROUND_UP(30 + inlined, 16); at + 16 <= units * 16 && at + 16 <= sizeof(w); at += 16) {
        stl_be_p(w + at, below(4) ? below(3000) : some_word());
        stl_be_p(w + at + 4, some_id() << 8);
        stq_be_p(w + at + 8, some_address());
    }
    for (unsigned at = 0; at < sizeof(w); at += 64) {
        unsigned entry = (q->state.index + at / 64) & ((1u << q->log) - 1);
        write_memory(buffer_at(&q->buffer, (uint64_t)entry << 6), w + at, 64);
    }
    stl_be_p(record, q->state.index + (below(4) ? (units + 3) / 4 : below(65536)));
    write_memory(q->doorbell_record + 4, record, 4);
    write_memory(0, frame, sizeof(frame));
    uint16_t before = q->state.index;
    sq_doorbell(f, below(8) ? (uint32_t)q->state.index << 8 : chance(), below(8) ? q->resource.id << 8 : some_word());
    fuzz.taken += q->state.index != before;
}

/* Receive queues are filled with whatever, completion and event queues are told of whatever. */
static void receive(void)
{
    Wq *q = some_resource(KIND_RQ);
    Function *f = q ? q->resource.owner : some_function();
    uint8_t entry[64], record[4];
    if (q && q->buffer.count) {
        for (unsigned at = 0; at + 16 <= sizeof(entry); at += 16) {
            stl_be_p(entry + at, below(4) ? below(4096) : some_word());
            stl_be_p(entry + at + 4, below(4) ? 0 : 0x100);
            stq_be_p(entry + at + 8, some_address());
        }
        for (unsigned i = 0; i < 16; i++) {
            write_memory(buffer_at(&q->buffer, (uint64_t)i << q->stride), entry, MIN(sizeof(entry), 1u << q->stride));
        }
        stl_be_p(record, q->state.index + below(below(4) ? 16 : 70000));
        write_memory(q->doorbell_record, record, 4);
    }
    cq_doorbell(f, some_word(), some_id());
    eq_doorbell(f, (uint32_t)below(64) << 24 | some_word(), below(2));
    write_register(f, (uint64_t)below(1024) << 12 | (below(2) ? 0x20 : below(4096)), chance(), below(2) ? 4 : 8);
}

/* ---- everything else ---- */

static void registers(void)
{
    static const uint16_t ids[] = {
        REG_PCAP, REG_PMLP, REG_PMTU, REG_PTYS, REG_PAOS, REG_PFCC, REG_PPCNT, REG_PVLC, REG_PDDR, REG_PCMR, REG_PCAM, REG_MCIA,
        REG_MGIR, REG_MNVDA, REG_NVDI, REG_MFRL, REG_NVQC, REG_NVIA, REG_NVQGC, REG_MCQS, REG_MCQI, REG_MCAM, REG_DTOR,
    };
    uint8_t in[512] = { 0 };
    stw_be_p(in, MLX5_CMD_OP_ACCESS_REG);
    stw_be_p(in + 6, below(3));
    stw_be_p(in + 10, below(8) ? ids[below(ARRAY_SIZE(ids))] : below(0x10000));
    fill(in + 16, below(2) ? 32 : sizeof(in) - 16);
    if (below(2)) {
        stl_be_p(in + 20, below(2) ? 0x80 : (uint32_t)below(8) << 24 | below(0x200));
    }
    run(some_function(), in, 16 + below(sizeof(in) - 16), 16 + below(1200));
}

static void window(Function *pf)
{
    static const uint8_t spaces[] = { 1, 2, 3, 10 };
    uint8_t at = VSEC + 4 * below(7);
    configure(&pf->parent_obj, VSEC + 4, spaces[below(ARRAY_SIZE(spaces))], 2 << below(2));
    configure(&pf->parent_obj, VSEC + 20, below(4) ? some_word() : 0x90010001, 4);
    configure(&pf->parent_obj, VSEC + 16, 0x80000000u | (below(4) ? 0x100000 + 4 * below(0x140) : some_word()), 4);
    configure(&pf->parent_obj, VSEC + 16, below(2) ? 0x80000000u : 0x100000 + 4 * below(0x140), 4);
    configure(&pf->parent_obj, at, some_word(), 1 << below(3));
}

static void faults(Function *pf)
{
    static const char *const texts[] = {
        "fail CREATE_TIR BAD_PARAM x2", "fail *@vf 0x5 0x1234 x3", "health 0x10", "health 0", "nopages", "unplug 0;unplug 1",
        "plug 1",
        "fail CREATE_LAG@pf1 3", "remove", "delay * 1", "silent NOP", "fail ;", "delay X 1", "health 0x1ff",
    };
    char text[128];
    g_strlcpy(text, texts[below(ARRAY_SIZE(texts))], sizeof(text));
    if (!below(3)) {
        text[below(strlen(text))] = 32 + below(95);
    }
    fault_set(pf->card, text, NULL);
    g_free(fault_text(pf->card));
    if (below(2)) {
        fault_set(pf->card, "clear", NULL);
    }
}

static void seldom(void)
{
    Function *pf = fuzz.pf[below(PORTS)];
    switch (below(12)) {
    case 0:
        set_vfs(pf, below(6));
        break;
    case 1: {
        Function *f = some_function();
        unsigned cap = f->parent_obj.exp.exp_cap;
        configure(&f->parent_obj, cap + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
        enable(f);
        break;
    }
    case 2:
        faults(pf);
        fault_set(pf->card, "clear", NULL);
        begin_machine();
        break;
    case 3:
        write_register(some_function(), 0x14, (uint64_t)below(8) << 8 | 0x100000, 4);
        break;
    case 4:
        faults(pf);
        break;
    default:
        window(pf);
    }
}

static void step(void)
{
    unsigned what = below(100);
    Function *f = some_function();
    if (!f->initialized && !below(3)) {
        begin_function(f);
    }
    if (what < 50 && fuzz.recording->len) {
        next_recorded();
    } else if (what < 70) {
        made_up();
    } else if (what < 75) {
        registers();
    } else if (what < 78) {
        by_queue(f);
    } else if (what < 86) {
        requests();
    } else if (what < 90) {
        receive();
    } else if (what < 98) {
        from_cable();
    } else if (what < 99 || below(10)) {
        window(fuzz.pf[below(PORTS)]);
    } else {
        seldom();
    }
}

static void finish(void)
{
    unsigned known = 0, passed = 0;
    uint64_t packets = 0;
    for (unsigned v = 0; v <= 8; v++) {
        for (int k = 0; k < 3; k++) {
            packets += fuzz.pf[0]->port->vports[v].received[k].packets + fuzz.pf[1]->port->vports[v].received[k].packets;
        }
    }
    GString *never = g_string_new(NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(fuzz.asked); i++) {
        known += fuzz.asked[i] > 20;
        passed += fuzz.passed[i] > 0;
        if (fuzz.asked[i] > 20 && !fuzz.passed[i] && strcmp(opcode_name(i), "?")) {
            g_string_append_printf(never, " %s", opcode_name(i));
        }
    }
    struct rusage usage = { 0 };
    getrusage(RUSAGE_SELF, &usage);
    fprintf(stderr, "connectx: fuzz: %" PRIu64 " commands, %" PRIu64 " carried out, of %u opcodes %u at least once; "
            "recording gone through %u times, to command %u; %u work requests, of which %u taken, "
            "%" PRIu64 " packets at vports since; %ld MiB at most; never:%s\n",
            fuzz.done, fuzz.good, known, passed, fuzz.rounds, MAX(fuzz.furthest, fuzz.at), fuzz.requests, fuzz.taken, packets,
            usage.ru_maxrss / 1024, never->str);
    fflush(stderr);
    _exit(0);
}

/* In pieces, so that QEMU's own loop runs between them. */
static void piece(void *opaque)
{
    static uint64_t shown;
    for (unsigned i = 0; i < BATCH && fuzz.done < fuzz.count; i++) {
        step();
    }
    if (fuzz.done / 100000 != shown) {
        shown = fuzz.done / 100000;
        fprintf(stderr, "connectx: fuzz: %" PRIu64 " commands\n", fuzz.done);
    }
    if (fuzz.done >= fuzz.count) {
        finish();
    }
    timer_mod(fuzz.timer, qemu_clock_get_ns(QEMU_CLOCK_REALTIME));
}

/* ---- recordings ---- */

static FILE *record_to;

static void record(const Command *c)
{
    uint8_t head[20] = { c->f->port->number, c->f->vport->number, c->status };
    stl_be_p(head + 4, c->in_length);
    stl_be_p(head + 8, c->out_length);
    memcpy(head + 12, c->out + 8, 4);
    if (c->in_length <= MAX_RECORDED) {
        fwrite(head, sizeof(head), 1, record_to);
        fwrite(c->in, c->in_length, 1, record_to);
        fflush(record_to);
    }
}

static void read_recording(const char *name)
{
    FILE *file = fopen(name, "rb");
    uint8_t head[20];
    if (!file) {
        error_report("connectx: %s: %s", name, strerror(errno));
        exit(1);
    }
    while (fread(head, sizeof(head), 1, file) == 1) {
        Asked a = { .port = head[0], .vf = head[1], .status = head[2] };
        a.in_length = ldl_be_p(head + 4);
        a.out_length = ldl_be_p(head + 8);
        memcpy(a.id, head + 12, 4);
        if (a.port >= PORTS || a.vf > MAX_VFS || a.in_length < 8 || a.in_length > MAX_RECORDED || a.out_length < 8
            || a.out_length > MiB) {
            error_report("connectx: %s is not a recording", name);
            exit(1);
        }
        a.in = g_malloc(a.in_length);
        if (fread(a.in, a.in_length, 1, file) != 1) {
            break;
        }
        g_array_append_val(fuzz.recording, a);
    }
    fclose(file);
}

static void machine_is_there(Notifier *n, void *data)
{
    const char *replay = getenv("CONNECTX_REPLAY");
    for (unsigned i = 0; i < PORTS; i++) {
        g_autofree char *id = g_strdup_printf("nic0p%u", i);
        fuzz.pf[i] = (Function *)object_resolve_path_type(id, TYPE_CONNECTX, NULL);
        if (!fuzz.pf[i]) {
            error_report("connectx: fuzzing needs a device %s", id);
            exit(1);
        }
    }
    fuzz.recording = g_array_new(false, false, sizeof(Asked));
    fuzz.ids = g_hash_table_new(NULL, NULL);
    if (replay) {
        read_recording(replay);
    }
    if (getenv("CONNECTX_FUZZ_BUG")) {
        /* Shows that a write past the end is found. */
        volatile uint8_t *bytes = g_malloc(16);
        bytes[16 + below(1)] = 1;
    }
    begin_machine();
    fuzz.timer = timer_new_ns(QEMU_CLOCK_REALTIME, piece, NULL);
    timer_mod(fuzz.timer, 0);
}

static void __attribute__((constructor)) begin(void)
{
    static Notifier notifier = { .notify = machine_is_there };
    const char *what = getenv("CONNECTX_FUZZ"), *file = getenv("CONNECTX_RECORD");
    unsigned long long seed = 1;
    if (what && sscanf(what, "%" PRIu64 ":%llu", &fuzz.count, &seed) >= 1) {
        fuzz.random = seed * 0x9e3779b97f4a7c15ull | 1;
        qemu_add_machine_init_done_notifier(&notifier);
    }
    if (file) {
        record_to = fopen(file, "wb");
        command_watch = record_to ? record : NULL;
    }
}
