/*
 * What the files of steering share: the tables that commands build, and the packets that run through them.
 *
 *   steering     flow tables, roots, the table of commands
 *   groups       the groups of a table
 *   entries      the rules in a table
 *   contexts     counters, header rewrites, packet reformats, definers
 *   fields       what can be matched, and where it lies in fte_match_param
 *   steering_caps, steering_state
 *
 *   packet       where a packet's headers lie
 *   match        a packet's key, and the entry of a table that it meets
 *   checksum     sums, and cutting large sends into segments
 *   rewrite      single header fields
 *   actions      what an entry does to a packet
 *   forward      from table to table, from vport to vport
 *
 * Tables name each other, counters and contexts by number, and look them up for each packet: what is gone is not there, nothing
 * dangles.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CONNECTX_STEERING_H
#define CONNECTX_STEERING_H

#include "card.h"
#include "migration/qemu-file-types.h"

/* fs_core.h, enum fs_flow_table_type */
typedef enum TableType {
    TABLE_NIC_RX, TABLE_NIC_TX, TABLE_EGRESS_ACL, TABLE_INGRESS_ACL, TABLE_FDB, TABLE_SNIFFER_RX, TABLE_SNIFFER_TX, TABLE_RDMA_RX,
    TABLE_RDMA_TX, TABLE_PORT_SELECTION, TABLE_TYPES
} TableType;

/* fte_match_param, in words of 64 bits: as many as a key has. */
#define KEY_BYTES BYTES(fte_match_param)
#define KEY_WORDS 64

typedef struct FlowTable {
    Resource resource;
    TableType type;
    unsigned level, log_size;
    bool lag_demux, termination;
    uint16_t vport;                     /* that an ACL is of */
    unsigned miss_action;
    uint32_t miss;                      /* table; 0: none */
    GPtrArray *groups;                  /* in the order of their first entries */
    GHashTable *entries;                /* by index */
} FlowTable;

typedef struct FlowGroup {
    Resource resource;
    FlowTable *table;                   /* NULL once that is gone */
    uint32_t first, last;
    bool hash_split;                    /* entries are chosen by a definer's hash, not matched */
    uint32_t definer;
    /* The words of the key that the criteria touch. */
    unsigned words;
    uint8_t word[KEY_WORDS];
    uint64_t mask[KEY_WORDS];
    GHashTable *by_value;
    unsigned entries;
} FlowGroup;

typedef struct Destination {
    uint8_t type;
    bool other_eswitch;                 /* `vhca` says of which function the eSwitch is */
    uint16_t vhca;
    uint32_t id;
    uint32_t reformat;
} Destination;

typedef struct FlowEntry FlowEntry;
struct FlowEntry {
    FlowGroup *group;
    FlowEntry *same;                    /* the next with the same value */
    uint32_t index;
    uint64_t *value;                    /* the group's words */
    uint8_t *in;                        /* SET_FLOW_TABLE_ENTRY */
    uint32_t in_length;
    /* from `in` */
    uint16_t action;
    uint8_t flow_source;
    uint32_t tag, modify_header, reformat;
    uint8_t vlan[2][4];                 /* to push: as they stand in a packet */
    unsigned destinations, counters;
    Destination *destination;
    uint32_t *counter;
};

/* One counter, or a row of them with consecutive numbers. */
typedef struct FlowCounters {
    Resource resource;
    unsigned count;
    Traffic *values;
} FlowCounters;

typedef struct HeaderAction {
    uint8_t type, length, from_bit, to_bit;
    uint16_t from, to;                  /* MLX5_ACTION_IN_FIELD_* */
    uint32_t data;
} HeaderAction;

typedef struct ModifyHeader {
    Resource resource;
    unsigned count;
    HeaderAction *actions;
} ModifyHeader;

typedef struct PacketReformat {
    Resource resource;
    unsigned type, anchor, offset, size;
    const uint8_t *data;                /* in the resource's command */
} PacketReformat;

typedef struct Definer {
    Resource resource;
    unsigned format;
    uint8_t mask[64];
} Definer;

/* What a card's steering has besides resources. */
typedef struct Steering {
    unsigned entries;                   /* of all tables */
    unsigned counters;
    GTree *counter_ranges;              /* FlowCounters, in the order of their numbers */
    GQueue receptions;                  /* wire.c: from cables, while the card is busy */
    QEMUBH *later;
} Steering;

Steering *steering_of(Card *card);

/* ---- packets ---- */

/* Where one set of headers lies. 0 stands for a header that is not there. */
typedef struct Headers {
    uint32_t l2, l3, l4, payload;
    uint16_t ethertype;                 /* of what follows the VLAN tags */
    uint8_t vlans;                      /* 0 to 2 */
    uint8_t ip_version, protocol;
    bool fragment, has_l2;
    uint32_t end;                       /* where the IP packet ends: padding follows */
} Headers;

enum { TUNNEL_NONE, TUNNEL_VXLAN, TUNNEL_GENEVE };

struct Packet {
    uint8_t *bytes;
    uint32_t length;
    uint32_t headroom;                  /* bytes free in front */
    unsigned mss;                       /* cut the innermost TCP or UDP into as much where it leaves; 0: do not */
    bool lost;                          /* an action could not be done */
    /* where it comes from */
    Card *card;
    Port *from;                         /* the eSwitch that it entered */
    unsigned source;                    /* vport */
    Function *sender;                   /* NULL: from the cable */
    uint32_t sqn;
    /* what steering writes on it */
    uint32_t reg_a, reg_b, reg_c[8], tag;
    unsigned *steps;                    /* that are left, for it and its copies: rules may lead in a circle */
    /* what it is */
    Headers outer, inner;
    uint8_t tunnel;
    uint32_t tunnel_at;                 /* the tunnel's own header */
    uint64_t key[KEY_WORDS];
};

#define MAX_PACKET (260 * KiB)
#define MAX_STEPS 128

/* Finds the headers again, and makes the key, after bytes changed or moved. */
void packet_parse(Packet *k);
/* The headers that a large send is cut behind, and whose checksums count last. */
static inline const Headers *packet_innermost(const Packet *k) { return k->tunnel ? &k->inner : &k->outer; }
/* A packet with room for `length` bytes, and in front of them; ended by packet_free. */
Packet *packet_new(Card *card, uint32_t length);
/* A copy with a buffer of its own. */
Packet *packet_clone(const Packet *k);
void packet_free(Packet *k);
/* Adds `count` bytes at `at`, or takes them away. False, and the packet is lost, where there is no room, or no such bytes. */
bool packet_insert(Packet *k, uint32_t at, const uint8_t *bytes, uint32_t count);
bool packet_remove(Packet *k, uint32_t at, uint32_t count);

/* As many packets as it leaves as, and their bytes. */
Traffic packet_traffic(const Packet *k);
/* Unicast, multicast, broadcast. */
void traffic_count(Traffic by_kind[3], const Packet *k);
/* Calls `deliver` for each packet that it leaves as. */
void packet_segments(Packet *k, void (*deliver)(void *opaque, const uint8_t *bytes, uint32_t length), void *opaque);

/* The sum of bytes as numbers of 16 bits, folded, as in IP's checksums but not inverted. */
uint16_t sum_of(const uint8_t *bytes, uint32_t length);
static inline uint32_t sum_fold(uint64_t s)
{
    while (s >> 16) {
        s = (s & 0xffff) + (s >> 16);
    }
    return s;
}
/* Of the addresses, the protocol and the length in front of TCP's and UDP's own bytes. */
uint32_t sum_pseudo(const uint8_t *bytes, const Headers *h, uint32_t l4_length);
/* Writes checksums anew: of an IPv4 header; of TCP or UDP up to `end`. */
void checksum_ip(uint8_t *bytes, const Headers *h);
void checksum_l4(uint8_t *bytes, const Headers *h, uint32_t end);

void match_key(Packet *k);
FlowEntry *match_table(FlowTable *t, const Packet *k);
/* The 64 bytes that a definer of this format looks at; false: no such format here. */
bool definer_bytes(unsigned format, const Packet *k, uint8_t out[64]);
bool definer_format_known(unsigned format);

uint32_t header_field_get(const Packet *k, unsigned field, unsigned bit, unsigned length);
void header_field_set(Packet *k, unsigned field, unsigned bit, unsigned length, uint32_t value);
/* How wide it is; 0: no such field. */
unsigned header_field_width(unsigned field);

/* What the entry does to the packet, but for where it goes. */
void actions_run(const FlowEntry *e, Packet *k);
void reformat_run(uint32_t id, Packet *k);
void vlan_push(Packet *k, const uint8_t tag[4]);
void vlan_pop(Packet *k);

/* ---- forward.c, receive.c, wire.c ---- */

void eswitch_input(Port *port, unsigned source, Packet *k);
void tir_deliver(uint32_t tirn, Packet *k);
void wire_send(Port *p, Packet *k);

/* ---- commands' side ---- */

/* flow_table_prop_layout of a type of table, as the function's capabilities have it; NULL where the type is unknown. */
const uint8_t *table_properties(const Function *f, unsigned type);
#define TABLE_CAN(f, type, field) GET(flow_table_prop_layout, table_properties(f, type), field)
/* The table that a command means by type and number, its own function's; NULL with the command refused. */
FlowTable *table_of_command(Command *c, unsigned type, uint32_t id);
/* Names what a rule uses: the function's own, or, in an eSwitch, another PF's of the card. NULL: there is none. */
Resource *steering_resource(Function *f, TableType type, Kind kind, uint32_t id);

/* The criteria touch only fields that the function's capabilities name for the type. */
bool fields_are_supported(const Function *f, unsigned type, const uint8_t *criteria);
/* Names all fields that match.c knows in ft_field_support. */
void fields_advertise(uint8_t *properties);

bool table_prepare(Resource *r);
uint8_t create_group(Command *c);
uint8_t query_group(Command *c);
uint8_t destroy_group(Command *c);
uint8_t set_entry(Command *c);
uint8_t query_entry(Command *c);
uint8_t delete_entry(Command *c);
void entry_free(FlowEntry *e);
/* Puts an entry into its group, from a command that set_entry() checked; for set_entry and for snapshots. */
FlowEntry *entry_insert(FlowGroup *g, const uint8_t *in, uint32_t in_length);
guint entry_hash(gconstpointer entry);
gboolean entry_equal(gconstpointer a, gconstpointer b);

uint8_t alloc_counter(Command *c), dealloc_counter(Command *c), query_counter(Command *c);
uint8_t alloc_modify_header(Command *c), dealloc_modify_header(Command *c);
uint8_t alloc_reformat(Command *c), dealloc_reformat(Command *c);
uint8_t create_general_object(Command *c), query_general_object(Command *c), destroy_general_object(Command *c);
/* The counter with this number, alone or within a row; NULL where there is none. */
FlowCounters *counters_with(Card *card, uint32_t id);

#endif
