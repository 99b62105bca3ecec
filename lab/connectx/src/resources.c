/*
 * What commands create: each resource has a kind, a number, an owner, and a count of the resources that name it.
 * One that is named cannot be destroyed, one that is not there cannot be named. The driver undoes in the reverse order of doing, so each
 * refusal here shows an order that is wrong, or a leak.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"

/* More than a driver asks of a card with 254 VFs; the guest shall not have the host's memory. */
#define MAX_RESOURCES 400000
#define MAX_COMMAND_KEPT (1 * MiB)

#define PLAIN(k) { .name = k, .size = sizeof(Resource) }
static const KindInfo pd_kind = PLAIN("PD"), transport_domain_kind = PLAIN("transport domain"), mkey_kind = PLAIN("mkey"),
    uar_kind = { .name = "UAR", .per_function = true, .size = sizeof(Resource) },
    q_counter_kind = { .name = "counter set", .per_function = true, .size = sizeof(Resource) };

const KindInfo *const kind_infos[KINDS] = {
    [KIND_UAR] = &uar_kind, [KIND_PD] = &pd_kind, [KIND_TRANSPORT_DOMAIN] = &transport_domain_kind, [KIND_MKEY] = &mkey_kind,
    [KIND_EQ] = &eq_kind, [KIND_CQ] = &cq_kind, [KIND_SQ] = &sq_kind, [KIND_RQ] = &rq_kind, [KIND_TIS] = &tis_kind,
    [KIND_TIR] = &tir_kind, [KIND_RQT] = &rqt_kind, [KIND_Q_COUNTER] = &q_counter_kind, [KIND_FLOW_TABLE] = &flow_table_kind,
    [KIND_FLOW_GROUP] = &flow_group_kind, [KIND_FLOW_COUNTER] = &flow_counter_kind, [KIND_MODIFY_HEADER] = &modify_header_kind,
    [KIND_PACKET_REFORMAT] = &packet_reformat_kind, [KIND_DEFINER] = &definer_kind,
    [KIND_SCHEDULING_ELEMENT] = &scheduling_element_kind,
};

static uint64_t key_of(Kind kind, const Function *f, uint32_t id)
{
    uint64_t scope = kind_info(kind).per_function ? f->vhca + 1 : 0;
    return (uint64_t)kind << 56 | scope << 24 | (id & 0xffffff);
}

static Resource *lookup(Card *card, uint64_t key)
{
    return g_hash_table_lookup(card->resources, &key);
}

/* A number that nothing has: the card counts up and wraps within 24 bits. Ids below 0x1000 stay free for what firmware reserves. */
static bool id_is_free(Card *card, uint32_t id)
{
    return !g_hash_table_contains(card->ids, GUINT_TO_POINTER(id));
}

uint32_t resource_ids(Card *card, unsigned count)
{
    for (;;) {
        unsigned n = 0;
        if (card->next_id < 0x1000 || card->next_id + count > 0xfffff0) {
            card->next_id = 0x1000;
        }
        while (n < count && id_is_free(card, card->next_id + n)) {
            n++;
        }
        uint32_t first = card->next_id;
        card->next_id += n == count ? count : n + 1;
        if (n == count) {
            return first;
        }
    }
}

static Resource *insert(Kind kind, uint32_t id, Function *owner, const uint8_t *in, uint32_t in_length)
{
    Card *card = owner->card;
    Resource *r = g_malloc0(kind_info(kind).size);
    uint64_t *key = g_new(uint64_t, 1);
    r->kind = kind;
    r->id = id;
    r->owner = owner;
    r->uses = g_ptr_array_new();
    /* Fields are read by whole words. */
    r->in = g_malloc0(ROUND_UP(in_length, 4));
    memcpy(r->in, in, in_length);
    r->in_length = in_length;
    *key = key_of(kind, owner, id);
    g_hash_table_insert(card->resources, key, r);
    if (!kind_info(kind).per_function) {
        g_hash_table_add(card->ids, GUINT_TO_POINTER(id));
    }
    owner->resources++;
    return r;
}

static void end(Resource *r)
{
    Card *card = r->owner->card;
    uint64_t key = key_of(r->kind, r->owner, r->id);
    for (guint i = 0; i < r->uses->len; i++) {
        ((Resource *)g_ptr_array_index(r->uses, i))->users--;
    }
    g_ptr_array_free(r->uses, true);
    if (kind_info(r->kind).release) {
        kind_info(r->kind).release(r);
    }
    if (!kind_info(r->kind).per_function) {
        g_hash_table_remove(card->ids, GUINT_TO_POINTER(r->id));
    }
    g_hash_table_remove(card->resources, &key);
    r->owner->resources--;
    g_free(r->in);
    g_free(r);
}

void *resource_create_numbered(Command *c, Kind kind, uint32_t id)
{
    Card *card = c->f->card;
    Resource *r;
    if (card_health(card)->no_pages || g_hash_table_size(card->resources) >= MAX_RESOURCES) {
        refuse(c, STATUS_LIMIT, 0, "firmware has no pages left");
        return NULL;
    }
    if (c->in_length > MAX_COMMAND_KEPT) {
        refuse(c, STATUS_BAD_INPUT_LENGTH, 0, "too long to be kept");
        return NULL;
    }
    if (lookup(card, key_of(kind, c->f, id))) {
        refuse(c, STATUS_BAD_RES_STATE, 0, "that number is taken");
        return NULL;
    }
    r = insert(kind, id, c->f, c->in, c->in_length);
    if (kind_info(kind).prepare && !kind_info(kind).prepare(r)) {
        end(r);
        refuse(c, STATUS_BAD_PARAM, 0, kind_info(kind).name);
        return NULL;
    }
    LOG(c->f, "  %s 0x%x", kind_info(kind).name, id);
    pages_follow(c->f);
    return r;
}

void *resource_create(Command *c, Kind kind)
{
    return resource_create_numbered(c, kind, resource_ids(c->f->card, 1));
}

Resource *resource_restore(Kind kind, uint32_t id, Function *owner, const uint8_t *in, uint32_t in_length)
{
    if (lookup(owner->card, key_of(kind, owner, id)) || in_length > MAX_COMMAND_KEPT) {
        return NULL;
    }
    return insert(kind, id, owner, in, in_length);
}

void *resource_find(Function *f, Kind kind, uint32_t id)
{
    Resource *r = lookup(f->card, key_of(kind, f, id));
    return r && r->owner == f ? r : NULL;
}

void *resource_on_card(Card *card, Kind kind, uint32_t id)
{
    uint64_t key = (uint64_t)kind << 56 | (id & 0xffffff);
    return kind_info(kind).per_function ? NULL : lookup(card, key);
}

void resource_hold(Resource *user, Resource *used)
{
    g_ptr_array_add(user->uses, used);
    used->users++;
}

void resource_let_go(Resource *user, Resource *used)
{
    if (g_ptr_array_remove_fast(user->uses, used)) {
        used->users--;
    }
}

bool resource_use(Command *c, Resource *user, Kind kind, uint32_t id)
{
    Resource *used = resource_find(c->f, kind, id);
    if (!used) {
        refuse(c, STATUS_BAD_RES, 0, kind_info(kind).name);
        return false;
    }
    resource_hold(user, used);
    return true;
}

void resource_discard(Resource *r)
{
    end(r);
}

uint8_t resource_destroy(Command *c, Kind kind, uint32_t id)
{
    Resource *r = resource_find(c->f, kind, id);
    if (!r) {
        return refuse(c, STATUS_BAD_RES, 0, kind_info(kind).name);
    }
    if (r->users) {
        return refuse(c, STATUS_BAD_RES_STATE, 0, "still in use");
    }
    end(r);
    pages_follow(c->f);
    return STATUS_OK;
}

unsigned resources_count(Card *card, Function *owner, int kind)
{
    GHashTableIter i;
    gpointer value;
    unsigned n = 0;
    g_hash_table_iter_init(&i, card->resources);
    while (g_hash_table_iter_next(&i, NULL, &value)) {
        Resource *r = value;
        n += (!owner || r->owner == owner) && (kind < 0 || (int)r->kind == kind);
    }
    return n;
}

unsigned resources_forget(Function *f)
{
    g_autoptr(GPtrArray) own = g_ptr_array_new();
    GHashTableIter i;
    gpointer value;
    g_hash_table_iter_init(&i, f->card->resources);
    while (g_hash_table_iter_next(&i, NULL, &value)) {
        if (((Resource *)value)->owner == f) {
            g_ptr_array_add(own, value);
        }
    }
    /* What names others goes first, so that no count is touched of what is gone: the function's own, and what others of the card hold. */
    for (guint n = 0; n < own->len; n++) {
        Resource *r = g_ptr_array_index(own, n);
        for (guint u = 0; u < r->uses->len; u++) {
            ((Resource *)g_ptr_array_index(r->uses, u))->users--;
        }
        g_ptr_array_set_size(r->uses, 0);
    }
    for (guint n = 0; n < own->len; n++) {
        Resource *r = g_ptr_array_index(own, n);
        if (r->users) {
            resource_orphan(r);
        }
        end(r);
    }
    return own->len;
}

/* Others, of another function (an FDB's rule that leads to a table of the other port's), no longer name it. */
void resource_orphan(Resource *used)
{
    GHashTableIter i;
    gpointer value;
    g_hash_table_iter_init(&i, used->owner->card->resources);
    while (g_hash_table_iter_next(&i, NULL, &value)) {
        Resource *r = value;
        while (used->users && g_ptr_array_remove_fast(r->uses, used)) {
            used->users--;
        }
    }
}

char *resources_text(Card *card)
{
    GString *s = g_string_new(NULL);
    for (int p = 0; p < PORTS; p++) {
        for (int v = -1; v < MAX_VFS; v++) {
            Function *f = v < 0 ? card->ports[p].pf : card->ports[p].vf[v];
            if (!f || (v >= 0 && !f->initialized && !resources_count(card, f, -1) && !f->leaked)) {
                continue;
            }
            g_string_append_printf(s, "%s: pages %u, left behind %" PRIu64, f->name, pages_given(f->vport), f->leaked);
            for (int k = 0; k < KINDS; k++) {
                unsigned n = resources_count(card, f, k);
                if (n) {
                    g_string_append_printf(s, ", %s %u", kind_info(k).name, n);
                }
            }
            g_string_append_c(s, '\n');
        }
    }
    return g_string_free(s, false);
}

/* ---- kinds that are nothing but a number with references ---- */

static uint8_t create_plain(Command *c, Kind kind)
{
    Resource *r = resource_create(c, kind);
    if (r) {
        stl_be_p(c->out + 8, r->id);
    }
    return c->status;
}

static uint8_t alloc_pd(Command *c) { return create_plain(c, KIND_PD); }
static uint8_t alloc_transport_domain(Command *c) { return create_plain(c, KIND_TRANSPORT_DOMAIN); }
static uint8_t alloc_q_counter(Command *c)
{
    /* A queue's context has 8 bits for it. */
    for (uint32_t id = 1; id < 256; id++) {
        if (!resource_find(c->f, KIND_Q_COUNTER, id)) {
            if (resource_create_numbered(c, KIND_Q_COUNTER, id)) {
                SET(alloc_q_counter_out, c->out, counter_set_id, id);
            }
            return c->status;
        }
    }
    return refuse(c, STATUS_NO_RES, 0, "no counter set left");
}

static uint8_t query_q_counter(Command *c)
{
    /* Nothing is dropped for want of buffers' work requests but what the queues' own counters tell: all zero. */
    return resource_find(c->f, KIND_Q_COUNTER, GET(query_q_counter_in, c->in, counter_set_id)) ? STATUS_OK :
        refuse(c, STATUS_BAD_RES, 0, "counter set");
}

static uint8_t alloc_uar(Command *c)
{
    for (uint32_t id = FIRST_UAR; id < uar_count(c->f); id++) {
        if (!resource_find(c->f, KIND_UAR, id)) {
            if (resource_create_numbered(c, KIND_UAR, id)) {
                SET(alloc_uar_out, c->out, uar, id);
            }
            return c->status;
        }
    }
    return refuse(c, STATUS_NO_RES, 0, "no UAR left");
}

static uint8_t create_mkey(Command *c)
{
    uint8_t *context = AT(create_mkey_in, c->in, memory_key_mkey_entry);
    Resource *r = resource_create(c, KIND_MKEY);
    if (!r) {
        return c->status;
    }
    if (!resource_use(c, r, KIND_PD, GET(mkc, context, pd))) {
        resource_discard(r);
        return c->status;
    }
    SET(create_mkey_out, c->out, mkey_index, r->id);
    return STATUS_OK;
}

#define DESTROY(name, kind, mask) \
    static uint8_t name(Command *c) { return resource_destroy(c, kind, ldl_be_p(c->in + 8) & (mask)); }

DESTROY(dealloc_pd, KIND_PD, 0xffffff)
DESTROY(dealloc_transport_domain, KIND_TRANSPORT_DOMAIN, 0xffffff)
DESTROY(dealloc_uar, KIND_UAR, 0xffffff)
DESTROY(destroy_mkey, KIND_MKEY, 0xffffff)

static uint8_t dealloc_q_counter(Command *c)
{
    return resource_destroy(c, KIND_Q_COUNTER, GET(dealloc_q_counter_in, c->in, counter_set_id));
}

const CommandEntry resource_commands[] = {
    COMMAND(ALLOC_PD, alloc_pd, alloc_pd, 0),
    COMMAND(DEALLOC_PD, dealloc_pd, dealloc_pd, 0),
    COMMAND(ALLOC_TRANSPORT_DOMAIN, alloc_transport_domain, alloc_transport_domain, 0),
    COMMAND(DEALLOC_TRANSPORT_DOMAIN, dealloc_transport_domain, dealloc_transport_domain, 0),
    COMMAND(ALLOC_UAR, alloc_uar, alloc_uar, 0),
    COMMAND(DEALLOC_UAR, dealloc_uar, dealloc_uar, 0),
    COMMAND(CREATE_MKEY, create_mkey, create_mkey, 0),
    COMMAND(DESTROY_MKEY, destroy_mkey, destroy_mkey, 0),
    COMMAND(ALLOC_Q_COUNTER, alloc_q_counter, alloc_q_counter, 0),
    COMMAND(DEALLOC_Q_COUNTER, dealloc_q_counter, dealloc_q_counter, 0),
    COMMAND(QUERY_Q_COUNTER, query_q_counter, query_q_counter, 0),
    { 0 },
};
