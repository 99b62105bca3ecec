/*
 * An emulated ConnectX: a card of two ports, each a PCI physical function with virtual functions, behind one firmware.
 *
 *   pci          PCI functions: configuration space, SR-IOV, properties, reset
 *   registers    BAR 0: the initialization segment, health, doorbells
 *   command      the command interface: queue, mailboxes, dispatch, answers
 *   faults       what the operator of the lab makes fail, wait or break
 *   capabilities what a model can do
 *   hca          bringing a function up and down; pages
 *   resources     what commands create: identity, owner, references
 *   events       event queues
 *   queues       completion, send and receive queues, and what packets are spread over
 *   vport        virtual ports: addresses, state, counters
 *   port         the port's registers, its link
 *   tunnels      which UDP ports carry VXLAN
 *   lag          the LAG of both ports
 *   steering     flow tables, groups, entries, counters, contexts
 *   packet, match, actions, forward, transmit, receive, wire   the way of a packet
 *   vsec, icmd, settings   the tools' window to the firmware and its non-volatile settings
 *   state        saving and restoring all of it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CONNECTX_CARD_H
#define CONNECTX_CARD_H

#include "ifc.h"
#include "qemu/units.h"
#include "qemu/timer.h"
#include "qemu/error-report.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pcie_sriov.h"
#include "hw/pci/msix.h"
#include "net/net.h"

#define PORTS 2
#define MAX_VFS 127
/* The vport of a port's cable, and the number that flow rules use for it. */
#define UPLINK 0xffff
#define MAX_EQS 64
/* Addresses in a vport's list (log_max_current_uc_list and the others), entries of the table of a port's addresses. */
#define MAX_LIST 128
#define L2_ENTRIES 128
#define MAX_VECTORS 64
#define VF_VECTORS 12
/* BAR 0: the initialization segment and MSI-X tables below the UARs, a page each. */
#define FIRST_UAR 16
#define PF_BAR_SIZE (4 * MiB)
#define VF_BAR_SIZE (1 * MiB)

typedef struct Card Card;
typedef struct Port Port;
typedef struct Function Function;
typedef struct Vport Vport;
typedef struct Resource Resource;
typedef struct Command Command;
typedef struct Packet Packet;

/* ---- the card and its parts ---- */

typedef enum Model { CX5, CX6DX, CX7, MODELS } Model;

typedef struct Traffic {
    uint64_t packets, bytes;
} Traffic;

/* A UDP port that carries VXLAN, and how often the driver said so. */
#define VXLAN_PORTS 16
typedef struct VxlanPort {
    uint16_t number, users;
} VxlanPort;

/* A virtual port of an eSwitch. */
struct Vport {
    Port *port;
    uint16_t number;
    bool hca_enabled;                   /* by ENABLE_HCA of the function's own driver or of the PF's */
    uint8_t admin_state;                /* 0 down, 1 up, 2 follow (VPORT_STATE's encoding) */
    uint8_t nic[0x100];                 /* nic_vport_context */
    uint8_t lists[3][8 * MAX_LIST];     /* allowed unicast and multicast addresses, VLANs */
    uint16_t list_size[3];
    uint8_t esw[0x100];                 /* esw_vport_context */
    GHashTable *pages;                  /* addresses that drivers gave firmware for the function, as keys */
    unsigned pages_asked;
    uint32_t receive_root, transmit_root, ingress_acl, egress_acl;  /* flow tables, 0: none */
    Traffic received[3], sent[3];       /* unicast, multicast, broadcast */
};

struct Port {
    Card *card;
    int number;                         /* 0 or 1 */
    Function *pf;
    Function *vf[MAX_VFS];
    Vport vports[MAX_VFS + 1];          /* 0: the PF's */
    Vport uplink;
    uint32_t fdb_root;                  /* flow table; of the other port's eSwitch in a shared FDB */
    bool fdb_root_is_other;
    bool admin_up;                      /* PAOS */
    bool unplugged;                     /* the cable */
    uint16_t mtu;
    uint32_t protocols;                 /* PTYS: those that may be spoken */
    bool autoneg_off;
    uint8_t flow_control[16];           /* PFCC */
    VxlanPort vxlan_ports[VXLAN_PORTS];
};

struct Card {
    PCIBus *bus;
    Model model;
    Port ports[PORTS];
    GHashTable *resources;              /* id -> Resource, of all kinds */
    GHashTable *ids;                    /* numbers in use, of kinds that the card numbers */
    uint32_t next_id;
    uint64_t system_image_guid;         /* from the first port's address */
    bool lag;
    uint8_t lag_context[16];            /* lagc */
    uint32_t port_selection_root;
    struct Steering *steering;          /* steering.h */
    /* A command or a packet is under way: what writes into a BAR meanwhile is not a processor, but an interrupt that was aimed there. */
    bool busy;
    struct Settings *settings;
    struct Faults *faults;
    unsigned total_vfs;                 /* of a port: what the settings said at power-on */
    bool shared_fdb;
    bool restoring;                     /* a snapshot, just now */
};

/* A PCI function, physical or virtual. */
struct Function {
    PCIDevice parent_obj;
    MemoryRegion bar;
    char name[16];                      /* "pf0", "pf1vf12" */
    bool is_vf;
    bool removed;                       /* by surprise: it answers with ones */
    Card *card;
    Port *port;
    Vport *vport;
    uint16_t vhca;                      /* unique on the card */
    /* the command interface */
    uint64_t command_queue;
    uint32_t command_queue_high;
    uint8_t interface_state;            /* nic_interface: 0 full, 1 disabled, 7 software reset */
    uint32_t pending;                   /* slots whose answer is due later */
    QEMUTimer *answer;
    int64_t answer_at[32];
    bool initialized;                   /* between INIT_HCA and TEARDOWN_HCA */
    bool forget_after_answer;           /* TEARDOWN_HCA has been granted */
    uint64_t leaked;                    /* objects that drivers left behind at TEARDOWN_HCA, since power-on */
    struct Eq *eqs[MAX_EQS];
    bool l2_entries[L2_ENTRIES];
    unsigned resources;                 /* how many it owns */
    uint8_t (*cap)[0x1000];             /* by type of capability, CAP_TYPES of them */
    /* the cable */
    NICState *nic;
    NICConf conf;
    /* the tools' window */
    struct Window *window;
    /* properties of function 0: the card's */
    char *model_name, *settings_file, *fault;
    uint32_t num_of_vfs;
    bool shared_fdb;
};

#define TYPE_CONNECTX "connectx"
#define TYPE_CONNECTX_VF "connectx-vf"

/* Says on QEMU's stderr what happened, where CONNECTX_LOG is set. */
extern bool card_log;
#define LOG(f, ...) do { if (card_log) { fprintf(stderr, "[%s] ", (f)->name); fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); } } while (0)

/* ---- pci.c ---- */

/* The VF's or PF's function behind a vport; NULL for the uplink and for VFs that are not there. */
Function *function_of_vport(Port *port, unsigned number);
/* vport `number` (UPLINK: the cable's) of a port; NULL where there is none. */
Vport *vport_numbered(Port *port, unsigned number);
/* The port whose PF has this vhca id; NULL where there is none. */
Port *port_of_vhca(Card *card, unsigned vhca);
static inline bool vf_is_driven(const Function *vf) { return vf != NULL && vf->initialized; }
bool any_vf_is_driven(const Port *port);
static inline unsigned function_vectors(const Function *f) { return f->is_vf ? VF_VECTORS : MAX_VECTORS; }
static inline unsigned uar_count(const Function *f) { return (f->is_vf ? VF_BAR_SIZE : PF_BAR_SIZE) / 4096; }

/* ---- memory of the guest ---- */

/* Both return false, with the bytes zero, where the guest does not let the function there, or where there is a device. */
#define MEMORY_ONLY ((MemTxAttrs) { .memory = true })
static inline bool guest_read(Function *f, uint64_t address, void *to, size_t length)
{
    if (pci_dma_rw(&f->parent_obj, address, to, length, DMA_DIRECTION_TO_DEVICE, MEMORY_ONLY) == MEMTX_OK) {
        return true;
    }
    memset(to, 0, length);
    return false;
}

static inline bool guest_write(Function *f, uint64_t address, const void *from, size_t length)
{
    return pci_dma_rw(&f->parent_obj, address, (void *)from, length, DMA_DIRECTION_FROM_DEVICE, MEMORY_ONLY) == MEMTX_OK;
}

/* Memory that the driver names by a list of pages. */
typedef struct PageBuffer {
    uint64_t *pages;
    unsigned count, shift;              /* a page has 1 << shift bytes */
    unsigned offset;                    /* of the first byte in the first page */
} PageBuffer;

/* Reads `pas` of a command for a buffer of `bytes`; false where the command's `space` bytes do not hold the list. */
bool buffer_init(PageBuffer *b, const uint8_t *pas, size_t space, uint64_t bytes, unsigned shift, unsigned offset);
void buffer_free(PageBuffer *b);
/* The guest's address of a byte; never outside the list of pages (offsets wrap around its end). */
static inline uint64_t buffer_at(const PageBuffer *b, uint64_t offset)
{
    uint64_t at = b->offset + offset;
    return b->pages[(at >> b->shift) % b->count] + (at & ((1ull << b->shift) - 1));
}

/* ---- resources.c ---- */

typedef enum Kind {
    KIND_UAR, KIND_PD, KIND_TRANSPORT_DOMAIN, KIND_MKEY, KIND_EQ, KIND_CQ, KIND_SQ, KIND_RQ, KIND_TIS, KIND_TIR, KIND_RQT,
    KIND_Q_COUNTER, KIND_FLOW_TABLE, KIND_FLOW_GROUP, KIND_FLOW_COUNTER, KIND_MODIFY_HEADER, KIND_PACKET_REFORMAT, KIND_DEFINER,
    KIND_SCHEDULING_ELEMENT, KINDS
} Kind;

/* What a command created. Subjects put this first in structures of their own. */
struct Resource {
    Kind kind;
    uint32_t id;                        /* 24 bits, unique on the card */
    Function *owner;
    unsigned users;                     /* objects that name this one */
    GPtrArray *uses;                    /* objects that this one names, each as often as it does */
    uint8_t *in;                        /* the command that made it; subjects fold later changes in */
    uint32_t in_length;
};

/* How a kind is made, kept and ended. */
typedef struct KindInfo {
    const char *name;
    bool per_function;                  /* numbered by each function for itself */
    size_t size;                        /* of the subject's structure */
    /* The part of that structure that a snapshot keeps as it is (no pointers); 0 bytes: nothing. */
    size_t state_offset, state_size;
    /* Derives everything else from `in` and the kept part; also after a snapshot. False: the command is not sound. */
    bool (*prepare)(Resource *o);
    void (*release)(Resource *o);         /* frees what prepare() took */
} KindInfo;

extern const KindInfo *const kind_infos[KINDS];
/* Each subject describes its kinds. */
extern const KindInfo eq_kind, cq_kind, sq_kind, rq_kind, rqt_kind, tir_kind, tis_kind, scheduling_element_kind, flow_table_kind,
    flow_group_kind, flow_counter_kind, modify_header_kind, packet_reformat_kind, definer_kind;
#define kind_info(k) (*kind_infos[k])

/*
 * A new resource of the command's function, with a copy of the command, numbered by the card. NULL, with the command refused, where
 * memory is short or prepare() finds the command unsound.
 */
void *resource_create(Command *c, Kind kind);
/* The same for kinds that each function numbers by itself (UARs, event queues), and for ids that a subject chooses. */
void *resource_create_numbered(Command *c, Kind kind, uint32_t id);
/* `count` ids in a row that nothing has. */
uint32_t resource_ids(Card *card, unsigned count);
/* The function's own resource of this kind and id; NULL where there is none. */
void *resource_find(Function *f, Kind kind, uint32_t id);
/* Any function's, for the data path and what eSwitches share; not for kinds that functions number by themselves. */
void *resource_on_card(Card *card, Kind kind, uint32_t id);
/* `user` names the object `kind, id` from now on; false, with BAD_RES, where there is none. */
bool resource_use(Command *c, Resource *user, Kind kind, uint32_t id);
/* The same for an object at hand. */
void resource_hold(Resource *user, Resource *used);
void resource_let_go(Resource *user, Resource *used);
/* Ends an object as a command asks: BAD_RES where there is none, BAD_RES_STATE where others name it. Returns the status. */
uint8_t resource_destroy(Command *c, Kind kind, uint32_t id);
/* Ends one that was just made, and that no command may find: its creation turned out to be refused. */
void resource_discard(Resource *r);
/* Whoever names it names it no longer. */
void resource_orphan(Resource *used);
/* What there is of each function: pages, what drivers left behind, resources by kind. The property `resources`. */
char *resources_text(Card *card);
/* Ends all of a function's objects, named or not: its reset. Returns how many there were. */
unsigned resources_forget(Function *f);
unsigned resources_count(Card *card, Function *owner, int kind);  /* owner NULL: all; kind -1: all */
/* For restoring a snapshot. */
Resource *resource_restore(Kind kind, uint32_t id, Function *owner, const uint8_t *in, uint32_t in_length);

/* ---- command.c ---- */

enum Status {
    STATUS_OK = 0, STATUS_INTERNAL = 1, STATUS_BAD_OP = 2, STATUS_BAD_PARAM = 3, STATUS_BAD_SYS_STATE = 4, STATUS_BAD_RES = 5,
    STATUS_RES_BUSY = 6, STATUS_LIMIT = 8, STATUS_BAD_RES_STATE = 9, STATUS_BAD_INDEX = 0xa, STATUS_NO_RES = 0xf,
    STATUS_BAD_QP_STATE = 0x10, STATUS_BAD_INPUT_LENGTH = 0x50, STATUS_BAD_OUTPUT_LENGTH = 0x51,
};

/* One command while it is carried out. `in` and `out` have at least the lengths that the table asks for, `out` is zero. */
struct Command {
    Function *f;
    unsigned opcode, op_mod;
    uint8_t *in, *out;
    uint32_t in_length, out_length;
    uint8_t status;
    uint32_t syndrome;
};

/* Refuses the command. A syndrome is a number that support looks up; 0 stands for one that nobody published. Returns the status. */
uint8_t refuse(Command *c, uint8_t status, uint32_t syndrome, const char *why);

/* Carries a command out and returns its status. */
typedef uint8_t (*Handler)(Command *c);

enum {
    ANY_TIME = 1,                       /* also before INIT_HCA */
    PF_ONLY = 2,
    ESWITCH = 4,                        /* only for whom the eSwitch's manager is: a PF */
};

typedef struct CommandEntry {
    uint16_t opcode;
    uint16_t flags;
    uint32_t in_length, out_length;     /* at least */
    Handler handler;
} CommandEntry;

/* An entry for `MLX5_CMD_OP_NAME`, with the lengths of mlx5_ifc_{layout}_in and _out. */
#define COMMAND(NAME, layout, handler, flags) \
    { MLX5_CMD_OP_##NAME, flags, BYTES(layout##_in), BYTES(layout##_out), handler }
/* The same where the output that the header knows is longer than what older drivers ask for. */
#define COMMAND_OUT(NAME, layout, out_bytes, handler, flags) \
    { MLX5_CMD_OP_##NAME, flags, BYTES(layout##_in), out_bytes, handler }

/* Each subject's commands; ended by an entry without handler. */
extern const CommandEntry hca_commands[], resource_commands[], event_commands[], queue_commands[], vport_commands[], port_commands[],
    lag_commands[], steering_commands[], tunnel_commands[];

const char *opcode_name(unsigned opcode);
/* The opcode of a name without MLX5_CMD_OP_, in capitals; -1 where there is none. */
int opcode_named(const char *name);
/* Bits of the doorbell: carries the commands in these slots out, or begins to. */
void command_doorbell(Function *f, uint32_t slots);
void command_init(Function *f);
void command_reset(Function *f);
void command_restored(Function *f);
void command_exit(Function *f);
/* Carries out one command whose bytes are at hand, as the command queue does; for the queue and for tests. Writes c->out. */
void command_run(Command *c);

/* ---- faults.c ---- */

/*
 * What the property `fault` of a card's first function sets, at the start and while it runs: see README.md for the grammar.
 * Kept apart for each card.
 */
typedef struct Verdict {
    bool fail;                          /* answer with `status`, without carrying the command out */
    uint8_t status;
    uint32_t syndrome;
} Verdict;

/* Whether a command fails; counts it down where the fault has a count. */
Verdict fault_for(Function *f, unsigned opcode);
/* Nanoseconds until a command is carried out and answered; negative: it never is. */
int64_t fault_delay(Function *f, unsigned opcode);
/* Reads one line of the grammar; false with `errp` set where it is none. */
bool fault_set(Card *card, const char *text, Error **errp);
char *fault_text(Card *card);           /* what is set, one line each */
/* Words of health that faults set: registers.c shows them. */
typedef struct Health {
    bool frozen;                        /* the counter stands still */
    uint8_t syndrome;                   /* health_buffer's synd; 0: well */
    bool fatal;
    bool no_pages;                      /* firmware has none left */
} Health;
Health *card_health(Card *card);

/* ---- events.c ---- */

typedef struct Eq {
    Resource resource;
    PageBuffer buffer;
    unsigned log, vector, number;
    uint64_t mask[4];
    struct {
        uint32_t producer, consumer;
        bool armed;
    } state;
} Eq;

/* Posts an event of `type` (MLX5_EVENT_TYPE_*) on each queue of the function that asked for it; `data`: 28 bytes or NULL. */
void event_post(Function *f, uint8_t type, uint8_t subtype, const uint8_t *data);
/* The same on one queue. */
void eq_post(Function *f, Eq *q, uint8_t type, uint8_t subtype, const uint8_t *data);
/* The queue, if any, that gets events of a type. */
Eq *eq_for(Function *f, uint8_t type);
void eq_doorbell(Function *f, uint32_t value, bool arm);

/* ---- queues.c ---- */

typedef struct Cq {
    Resource resource;
    PageBuffer buffer;
    unsigned log, eqn;
    uint64_t doorbell_record;
    struct {
        uint32_t producer, consumer;
        bool armed;
    } state;
} Cq;

enum { QUEUE_RESET = 0, QUEUE_READY = 1, QUEUE_ERROR = 3 };

/* A send or receive queue. */
typedef struct Wq {
    Resource resource;
    PageBuffer buffer;
    unsigned log, stride;               /* log of entries; log of bytes of each */
    uint32_t cqn;
    uint32_t tisn;                      /* send queues */
    unsigned type;                      /* wq_type: 1 cyclic */
    unsigned min_inline, vlan_strip_disable;
    uint64_t doorbell_record;
    struct {
        uint16_t index;
        uint8_t state;
    } state;
} Wq;

/* Writes a completion of 64 bytes (the last byte, opcode and owner, is the queue's doing) and notifies. */
void cq_post(Cq *q, uint8_t *cqe, unsigned opcode);
void cq_doorbell(Function *f, uint32_t command, uint32_t cqn);

typedef struct Rqt {
    Resource resource;
    uint32_t *rqs;
    unsigned count;
} Rqt;

typedef struct Tir {
    Resource resource;
    bool indirect;
    uint32_t target;                    /* an RQ, or an RQT */
} Tir;

/* ---- vport.c ---- */

/* The vport that a command is about: its own, or, for a PF, one of its port's (other_vport, vport_number: at the same place in all). */
Vport *vport_of_command(Command *c);
void vport_init(Vport *v, Port *port, unsigned number);
/* What a vport shows its driver: 1 up, 0 down. */
bool vport_is_up(const Vport *v);
void vport_event(Vport *v);             /* tells its function that the state changed */

/* ---- port.c ---- */

bool port_link_up(const Port *p);
/* The link went up or down: tells the port's functions. */
void port_event(Port *p);
void port_init(Port *p);
/* What the driver must be shown so that it asks for the registers that there are. */
void port_capabilities(Function *f);

/* ---- tunnels.c ---- */

bool udp_port_is_vxlan(const Port *port, uint16_t udp_port);

/* ---- lag.c ---- */

/* The port out of whose cable a packet that `p`'s eSwitch sends leaves; the one that steering.c's port selection says, if any. */
Port *lag_egress(Port *p, const Packet *packet);
/* Both ports have one FDB: the first one's. */
bool lag_is_native(const Card *card);
void lag_reset(Card *card);

/* ---- hca.c ---- */

#define CAP_TYPES 0x40
#define CAP_PORT_SELECTION 0x25
#define TERMINATE_SCATTER_LIST_MKEY 0x100
/* Everything that a function's driver made or set is gone. */
void function_forget(Function *f);
unsigned pages_given(const Vport *v);
unsigned pages_needed(const Vport *v);
void pages_reset(Vport *v);
/* Resources came or went: firmware asks for pages, or offers them back. */
void pages_follow(Function *f);
/* Thirteen characters. */
const char *card_psid(const Card *card);

/* ---- capabilities.c ---- */

extern const char *const model_names[MODELS];
extern const uint16_t model_ids[MODELS], model_vf_ids[MODELS];
/* What the model can do, for one function. */
void capabilities_init(Function *f);
/* The part of it that is steering's: flow tables of NICs and eSwitches, port selection. */
void steering_capabilities(Function *f);
unsigned firmware_major(const Card *card);
#define FIRMWARE_MINOR 35
#define FIRMWARE_SUB 1012
#define CAP_GEN(f, field) GET(cmd_hca_cap, (f)->cap[0], field)

/* ---- steering.c, packet.c and on ---- */

/* Bytes that must be free in front of a packet's, and behind, for headers that actions add. */
#define PACKET_HEADROOM 256
/* What the port selection tables of a LAG say of a packet; NULL where there are none. */
Port *steering_select_port(Card *card, const Packet *packet);
void sq_doorbell(Function *f, uint32_t first, uint32_t second);
/* A function's tables, roots and counters are forgotten: its reset. */
void steering_reset(Function *f);
/* What resources do not hold: entries of tables, counters' values. Load: 0, or a negative errno. */
void steering_save(Card *card, QEMUFile *q);
int steering_load(Card *card, QEMUFile *q);
void wire_init(Function *pf);

/* ---- registers.c ---- */

extern const MemoryRegionOps bar_ops;

/* ---- vsec.c, icmd.c, settings.c ---- */

#define VSEC 0xc0
void window_init(Function *pf, Error **errp);
/* Takes a write to the window; false where it is not the window's. */
bool window_write(Function *pf, uint32_t address, uint32_t value, int length);
void window_reset(Function *pf);
void window_exit(Function *pf);
/* What the chip calls itself, in its own registers. */
uint16_t hardware_id(const Card *card);
/* Reads the card's settings (a file that outlives QEMU, or memory without one); what they say now holds until power-off. */
void settings_init(Card *card, const char *file, unsigned num_of_vfs, Error **errp);
/* What firmware configuration said at power-on. */
unsigned settings_port_total_vfs(const Card *card, int port);
unsigned settings_total_vfs(const Card *card);     /* of the port that has more: what VFs' numbers leave room for */
bool settings_port_is_infiniband(const Card *card, int port);

/* ---- state.c ---- */

extern const VMStateDescription pf_vmstate, vf_vmstate;

#endif
