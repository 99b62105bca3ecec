/*
 * Event queues: where a function hears of commands, completions, its port, its vport and pages.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"

#define EQE 64
#define MAX_LOG_EQ 22

static unsigned number_of(const Eq *q) { return q->resource.id & (MAX_EQS - 1); }

static bool eq_prepare(Resource *r)
{
    Eq *q = (Eq *)r;
    const uint8_t *context = AT(create_eq_in, r->in, eq_context_entry);
    q->log = GET(eqc, context, log_eq_size);
    q->vector = GET(eqc, context, intr);
    q->number = number_of(q);
    for (int i = 0; i < 4; i++) {
        q->mask[i] = ldq_be_p(AT(create_eq_in, r->in, event_bitmask) + 8 * i);
    }
    if (q->log > MAX_LOG_EQ || q->vector >= function_vectors(r->owner) || r->in_length < BYTES(create_eq_in)) {
        return false;
    }
    if (!buffer_init(&q->buffer, r->in + BYTES(create_eq_in), r->in_length - BYTES(create_eq_in), (uint64_t)EQE << q->log,
                     GET(eqc, context, log_page_size) + 12, GET(eqc, context, page_offset) * 64)) {
        return false;
    }
    r->owner->eqs[q->number] = q;
    return true;
}

static void eq_release(Resource *r)
{
    Eq *q = (Eq *)r;
    if (r->owner->eqs[q->number] == q) {
        r->owner->eqs[q->number] = NULL;
    }
    buffer_free(&q->buffer);
}

const KindInfo eq_kind = {
    .name = "EQ", .per_function = true, .size = sizeof(Eq), .state_offset = offsetof(Eq, state), .state_size = sizeof(((Eq *)0)->state),
    .prepare = eq_prepare, .release = eq_release,
};

static void fire(Function *f, Eq *q)
{
    q->state.armed = false;
    msix_notify(&f->parent_obj, q->vector);
}

void eq_post(Function *f, Eq *q, uint8_t type, uint8_t subtype, const uint8_t *data)
{
    uint8_t e[EQE] = { [1] = type, [3] = subtype };
    uint32_t size = 1u << q->log, index = q->state.producer & (size - 1);
    uint64_t at = buffer_at(&q->buffer, (uint64_t)index * EQE);
    if (((q->state.producer - q->state.consumer) & 0xffffff) >= size) {
        LOG(f, "EQ %u is full: event 0x%x lost", q->number, type);
        return;
    }
    if (data) {
        memcpy(e + 32, data, 28);
    }
    e[EQE - 1] = q->state.producer >> q->log & 1;
    guest_write(f, at, e, EQE - 1);
    smp_wmb();
    guest_write(f, at + EQE - 1, e + EQE - 1, 1);
    q->state.producer++;
    if (q->state.armed) {
        fire(f, q);
    }
}

static bool wants(const Eq *q, uint8_t type) { return q && q->mask[type / 64] >> (type % 64) & 1; }

void event_post(Function *f, uint8_t type, uint8_t subtype, const uint8_t *data)
{
    for (unsigned i = 0; f && i < MAX_EQS; i++) {
        if (wants(f->eqs[i], type)) {
            eq_post(f, f->eqs[i], type, subtype, data);
        }
    }
}

Eq *eq_for(Function *f, uint8_t type)
{
    for (unsigned i = 0; i < MAX_EQS; i++) {
        if (wants(f->eqs[i], type)) {
            return f->eqs[i];
        }
    }
    return NULL;
}

void eq_doorbell(Function *f, uint32_t value, bool arm)
{
    unsigned number = value >> 24;
    Eq *q = number < MAX_EQS ? f->eqs[number] : NULL;
    if (!q) {
        return;
    }
    q->state.consumer = value & 0xffffff;
    if (!arm) {
        return;
    }
    if ((q->state.producer & 0xffffff) != q->state.consumer) {
        fire(f, q);
    } else {
        q->state.armed = true;
    }
}

static uint8_t create_eq(Command *c)
{
    const uint8_t *context = AT(create_eq_in, c->in, eq_context_entry);
    unsigned number = 1;
    while (number < CAP_GEN(c->f, max_num_eqs) && c->f->eqs[number]) {
        number++;
    }
    if (number >= CAP_GEN(c->f, max_num_eqs)) {
        return refuse(c, STATUS_NO_RES, 0, "no event queue left");
    }
    Resource *r = resource_create_numbered(c, KIND_EQ, number);
    if (!r) {
        return c->status;
    }
    if (!resource_use(c, r, KIND_UAR, GET(eqc, context, uar_page))) {
        resource_discard(r);
        return c->status;
    }
    SET(create_eq_out, c->out, eq_number, number);
    return STATUS_OK;
}

static uint8_t destroy_eq(Command *c) { return resource_destroy(c, KIND_EQ, GET(destroy_eq_in, c->in, eq_number)); }

static uint8_t query_eq(Command *c)
{
    Eq *q = resource_find(c->f, KIND_EQ, GET(query_eq_in, c->in, eq_number));
    if (!q) {
        return refuse(c, STATUS_BAD_RES, 0, "EQ");
    }
    uint8_t *context = AT(query_eq_out, c->out, eq_context_entry);
    memcpy(context, AT(create_eq_in, q->resource.in, eq_context_entry), BYTES(eqc));
    SET(eqc, context, consumer_counter, q->state.consumer);
    SET(eqc, context, producer_counter, q->state.producer & 0xffffff);
    return STATUS_OK;
}

const CommandEntry event_commands[] = {
    COMMAND(CREATE_EQ, create_eq, create_eq, 0),
    COMMAND(DESTROY_EQ, destroy_eq, destroy_eq, 0),
    COMMAND_OUT(QUERY_EQ, query_eq, BYTES(query_eq_out), query_eq, 0),
    { 0 },
};

/* ---- memory that the driver names by a list of pages ---- */

bool buffer_init(PageBuffer *b, const uint8_t *pas, size_t space, uint64_t bytes, unsigned shift, unsigned offset)
{
    if (shift < 12 || shift > 30 || bytes == 0 || bytes > 1 * GiB || offset >= 1ull << shift) {
        return false;
    }
    uint64_t count = (bytes + offset + (1ull << shift) - 1) >> shift;
    if (count * 8 > space) {
        return false;
    }
    b->count = count;
    b->shift = shift;
    b->offset = offset;
    b->pages = g_new(uint64_t, count);
    for (uint64_t i = 0; i < count; i++) {
        b->pages[i] = ldq_be_p(pas + 8 * i) & ~0xfffull;
    }
    return true;
}

void buffer_free(PageBuffer *b)
{
    g_free(b->pages);
    b->pages = NULL;
    b->count = 0;
}
