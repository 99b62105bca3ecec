/*
 * Saving and restoring. Each function keeps its own interface; the first one keeps what the card has in common. A resource is the command
 * that made it, the part that its subject says, and what it names; prepare() derives the rest.
 *
 * What is read here comes from a file that this program wrote, but lengths and numbers are checked all the same: a snapshot of another build
 * ends in an error, not in memory that is not ours.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"
#include "migration/vmstate.h"
#include "migration/qemu-file-types.h"

#define MAX_BLOCK (1 * MiB)
#define NO_FUNCTION 0xffff

static void put_bytes(QEMUFile *q, const void *p, uint32_t n)
{
    qemu_put_be32(q, n);
    qemu_put_buffer(q, p, n);
}

/* Exactly `n` bytes. */
static bool get_bytes(QEMUFile *q, void *p, uint32_t n)
{
    if (qemu_get_be32(q) != n) {
        return false;
    }
    qemu_get_buffer(q, p, n);
    return true;
}

static uint8_t *get_new(QEMUFile *q, uint32_t *length)
{
    uint32_t n = qemu_get_be32(q);
    if (n > MAX_BLOCK) {
        return NULL;
    }
    uint8_t *p = g_malloc0(MAX(n, 1));
    qemu_get_buffer(q, p, n);
    *length = n;
    return p;
}

/* Of the card: its port and vport. */
static uint32_t function_id(const Function *f) { return (uint32_t)f->port->number << 16 | f->vport->number; }

static Function *function_identified(Card *card, uint32_t id)
{
    return id >> 16 < PORTS ? function_of_vport(&card->ports[id >> 16], id & 0xffff) : NULL;
}

/* ---- a function ---- */

static int put_function(QEMUFile *q, void *pv, size_t size, const VMStateField *field, JSONWriter *j)
{
    Function *f = (Function *)((char *)pv - offsetof(Function, name));
    qemu_put_be64(q, f->command_queue);
    qemu_put_be32(q, f->command_queue_high);
    qemu_put_byte(q, f->interface_state);
    qemu_put_be32(q, f->pending);
    put_bytes(q, f->answer_at, sizeof(f->answer_at));
    qemu_put_byte(q, f->initialized);
    qemu_put_byte(q, f->removed);
    qemu_put_be64(q, f->leaked);
    put_bytes(q, f->l2_entries, sizeof(f->l2_entries));
    put_bytes(q, f->cap[0], sizeof(f->cap[0]));
    return 0;
}

static int get_function(QEMUFile *q, void *pv, size_t size, const VMStateField *field)
{
    Function *f = (Function *)((char *)pv - offsetof(Function, name));
    f->command_queue = qemu_get_be64(q);
    f->command_queue_high = qemu_get_be32(q);
    f->interface_state = qemu_get_byte(q) & 7;
    f->pending = qemu_get_be32(q);
    if (!get_bytes(q, f->answer_at, sizeof(f->answer_at))) {
        return -EINVAL;
    }
    f->initialized = qemu_get_byte(q);
    f->removed = qemu_get_byte(q);
    f->leaked = qemu_get_be64(q);
    return get_bytes(q, f->l2_entries, sizeof(f->l2_entries)) && get_bytes(q, f->cap[0], sizeof(f->cap[0])) ? 0 : -EINVAL;
}

/* ---- the card ---- */

static void put_vport(QEMUFile *q, Vport *v)
{
    GHashTableIter i;
    gpointer key;
    qemu_put_byte(q, v->hca_enabled);
    qemu_put_byte(q, v->admin_state);
    put_bytes(q, v->nic, sizeof(v->nic));
    for (int n = 0; n < 3; n++) {
        put_bytes(q, v->lists[n], 8 * v->list_size[n]);
    }
    put_bytes(q, v->esw, sizeof(v->esw));
    qemu_put_be32(q, v->receive_root);
    qemu_put_be32(q, v->transmit_root);
    qemu_put_be32(q, v->ingress_acl);
    qemu_put_be32(q, v->egress_acl);
    put_bytes(q, v->received, sizeof(v->received));
    put_bytes(q, v->sent, sizeof(v->sent));
    qemu_put_be32(q, v->pages_asked);
    qemu_put_be32(q, pages_given(v));
    if (v->pages) {
        g_hash_table_iter_init(&i, v->pages);
        while (g_hash_table_iter_next(&i, &key, NULL)) {
            qemu_put_be64(q, *(uint64_t *)key);
        }
    }
}

static bool get_vport(QEMUFile *q, Vport *v)
{
    v->hca_enabled = qemu_get_byte(q);
    v->admin_state = qemu_get_byte(q);
    if (!get_bytes(q, v->nic, sizeof(v->nic))) {
        return false;
    }
    for (int n = 0; n < 3; n++) {
        uint32_t length;
        g_autofree uint8_t *list = get_new(q, &length);
        if (!list || length > sizeof(v->lists[n])) {
            return false;
        }
        memcpy(v->lists[n], list, length);
        v->list_size[n] = length / 8;
    }
    if (!get_bytes(q, v->esw, sizeof(v->esw))) {
        return false;
    }
    v->receive_root = qemu_get_be32(q);
    v->transmit_root = qemu_get_be32(q);
    v->ingress_acl = qemu_get_be32(q);
    v->egress_acl = qemu_get_be32(q);
    if (!get_bytes(q, v->received, sizeof(v->received)) || !get_bytes(q, v->sent, sizeof(v->sent))) {
        return false;
    }
    v->pages_asked = qemu_get_be32(q);
    uint32_t count = qemu_get_be32(q);
    if (count > 0 && !v->pages) {
        return false;
    }
    if (v->pages) {
        g_hash_table_remove_all(v->pages);
    }
    while (count--) {
        uint64_t *key = g_new(uint64_t, 1);
        *key = qemu_get_be64(q);
        g_hash_table_add(v->pages, key);
    }
    return true;
}

static void put_resources(QEMUFile *q, Card *card)
{
    GHashTableIter i;
    gpointer value;
    qemu_put_be32(q, g_hash_table_size(card->resources));
    g_hash_table_iter_init(&i, card->resources);
    while (g_hash_table_iter_next(&i, NULL, &value)) {
        Resource *r = value;
        qemu_put_be32(q, r->kind);
        qemu_put_be32(q, r->id);
        qemu_put_be32(q, function_id(r->owner));
        put_bytes(q, r->in, r->in_length);
        put_bytes(q, (char *)r + kind_info(r->kind).state_offset, kind_info(r->kind).state_size);
        qemu_put_be32(q, r->uses->len);
        for (guint n = 0; n < r->uses->len; n++) {
            Resource *used = g_ptr_array_index(r->uses, n);
            qemu_put_be32(q, used->kind);
            qemu_put_be32(q, used->id);
            qemu_put_be32(q, function_id(used->owner));
        }
    }
}

typedef struct Named {
    Resource *user;
    uint32_t kind, id, owner;
} Named;

/* All are made before any is looked up: they name each other in any order. */
static bool get_resources(QEMUFile *q, Card *card)
{
    g_autoptr(GArray) names = g_array_new(false, false, sizeof(Named));
    g_autoptr(GPtrArray) made = g_ptr_array_new();
    uint32_t count = qemu_get_be32(q);
    while (count--) {
        uint32_t kind = qemu_get_be32(q), id = qemu_get_be32(q), length;
        Function *owner = function_identified(card, qemu_get_be32(q));
        g_autofree uint8_t *in = get_new(q, &length);
        if (kind >= KINDS || !owner || !in) {
            return false;
        }
        Resource *r = resource_restore(kind, id, owner, in, length);
        if (!r || !get_bytes(q, (char *)r + kind_info(kind).state_offset, kind_info(kind).state_size)) {
            return false;
        }
        g_ptr_array_add(made, r);
        for (uint32_t n = qemu_get_be32(q); n--;) {
            Named name = { .user = r, .kind = qemu_get_be32(q), .id = qemu_get_be32(q), .owner = qemu_get_be32(q) };
            g_array_append_val(names, name);
            if (names->len > 10000000) {
                return false;
            }
        }
    }
    for (guint n = 0; n < made->len; n++) {
        Resource *r = g_ptr_array_index(made, n);
        if (kind_info(r->kind).prepare && !kind_info(r->kind).prepare(r)) {
            return false;
        }
    }
    for (guint n = 0; n < names->len; n++) {
        Named *name = &g_array_index(names, Named, n);
        Function *owner = function_identified(card, name->owner);
        Resource *used = owner && name->kind < KINDS ? resource_find(owner, name->kind, name->id) : NULL;
        if (!used) {
            return false;
        }
        resource_hold(name->user, used);
    }
    return true;
}

static int put_card(QEMUFile *q, void *pv, size_t size, const VMStateField *field, JSONWriter *j)
{
    Function *f = (Function *)((char *)pv - offsetof(Function, vhca));
    Card *card = f->card;
    qemu_put_be32(q, card->total_vfs);
    qemu_put_be32(q, card->next_id);
    qemu_put_byte(q, card->lag);
    put_bytes(q, card->lag_context, sizeof(card->lag_context));
    qemu_put_be32(q, card->port_selection_root);
    for (int p = 0; p < PORTS; p++) {
        Port *port = &card->ports[p];
        for (unsigned v = 0; v <= card->total_vfs; v++) {
            put_vport(q, &port->vports[v]);
        }
        put_vport(q, &port->uplink);
        qemu_put_be32(q, port->fdb_root);
        qemu_put_byte(q, port->fdb_root_is_other);
        qemu_put_byte(q, port->admin_up);
        qemu_put_be32(q, port->mtu);
        qemu_put_be32(q, port->protocols);
        qemu_put_byte(q, port->autoneg_off);
        put_bytes(q, port->flow_control, sizeof(port->flow_control));
        put_bytes(q, port->vxlan_ports, sizeof(port->vxlan_ports));
    }
    put_resources(q, card);
    steering_save(card, q);
    return 0;
}

static int get_card(QEMUFile *q, void *pv, size_t size, const VMStateField *field)
{
    Function *f = (Function *)((char *)pv - offsetof(Function, vhca));
    Card *card = f->card;
    uint32_t total = qemu_get_be32(q);
    if (total != card->total_vfs) {
        error_report("connectx: the snapshot is of a card with %u VFs a port, this one has %u", total, card->total_vfs);
        return -EINVAL;
    }
    card->next_id = qemu_get_be32(q);
    card->lag = qemu_get_byte(q);
    if (!get_bytes(q, card->lag_context, sizeof(card->lag_context))) {
        return -EINVAL;
    }
    card->port_selection_root = qemu_get_be32(q);
    for (int p = 0; p < PORTS; p++) {
        Port *port = &card->ports[p];
        for (unsigned v = 0; v <= card->total_vfs; v++) {
            if (!get_vport(q, &port->vports[v])) {
                return -EINVAL;
            }
        }
        if (!get_vport(q, &port->uplink)) {
            return -EINVAL;
        }
        port->fdb_root = qemu_get_be32(q);
        port->fdb_root_is_other = qemu_get_byte(q);
        port->admin_up = qemu_get_byte(q);
        port->mtu = qemu_get_be32(q);
        port->protocols = qemu_get_be32(q);
        port->autoneg_off = qemu_get_byte(q);
        if (!get_bytes(q, port->flow_control, sizeof(port->flow_control)) ||
            !get_bytes(q, port->vxlan_ports, sizeof(port->vxlan_ports))) {
            return -EINVAL;
        }
    }
    if (!get_resources(q, card)) {
        error_report("connectx: the snapshot's resources are not this build's");
        return -EINVAL;
    }
    return steering_load(card, q);
}

static int post_load(void *opaque, int version)
{
    Function *f = opaque;
    if (!f->is_vf && f->parent_obj.exp.sriov_cap && pci_get_word(f->parent_obj.config + f->parent_obj.exp.sriov_cap + PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE) {
        /* This resets the VFs, whose resources came with the card. */
        f->card->restoring = true;
        pcie_sriov_pf_post_load(&f->parent_obj);
        f->card->restoring = false;
    }
    command_restored(f);
    return 0;
}

static bool is_first(void *opaque, int version)
{
    Function *f = opaque;
    return !f->is_vf && f->port->number == 0;
}

static const VMStateInfo function_info = { .name = "connectx function", .get = get_function, .put = put_function };
static const VMStateInfo card_info = { .name = "connectx card", .get = get_card, .put = put_card };

static const VMStateField fields[] = {
    VMSTATE_PCI_DEVICE(parent_obj, Function),
    VMSTATE_MSIX(parent_obj, Function),
    { .name = "function", .offset = offsetof(Function, name), .info = &function_info, .flags = VMS_SINGLE, .size = 1 },
    { .name = "card", .offset = offsetof(Function, vhca), .info = &card_info, .flags = VMS_SINGLE, .size = 1, .field_exists = is_first },
    VMSTATE_END_OF_LIST()
};

/* Enabling VFs resets them, so PFs are restored before VFs; and the card before it is asked for anything. */
const VMStateDescription pf_vmstate = {
    .name = TYPE_CONNECTX, .version_id = 1, .minimum_version_id = 1, .priority = 1, .post_load = post_load, .fields = fields,
};
const VMStateDescription vf_vmstate = {
    .name = TYPE_CONNECTX_VF, .version_id = 1, .minimum_version_id = 1, .post_load = post_load, .fields = fields,
};
