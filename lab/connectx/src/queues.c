/*
 * Completion, send and receive queues; what spreads packets over them (TIR, RQT) and what sends by (TIS); the shares of a port's bandwidth.
 * State transitions: the driver's modify_sq and modify_rq calls in en_main.c; reset to ready, ready to error, error to reset.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"

#define CQE 64
#define MAX_LOG_CQ 22
#define MAX_LOG_WQ 16
#define WQ_CYCLIC 1
#define EVENT_COMP 0

/* ---- completion queues ---- */

static bool cq_prepare(Resource *r)
{
    Cq *q = (Cq *)r;
    const uint8_t *context = AT(create_cq_in, r->in, cq_context);
    if (r->in_length < BYTES(create_cq_in)) {
        return false;
    }
    q->log = GET(cqc, context, log_cq_size);
    q->eqn = GET(cqc, context, c_eqn_or_apu_element) & 0xff;
    q->doorbell_record = GET(cqc, context, dbr_addr);
    if (q->log > MAX_LOG_CQ || GET(cqc, context, cqe_sz) != 0 || GET(cqc, context, cqe_comp_en)) {
        return false;
    }
    return buffer_init(&q->buffer, r->in + BYTES(create_cq_in), r->in_length - BYTES(create_cq_in), (uint64_t)CQE << q->log,
                       GET(cqc, context, log_page_size) + 12, GET(cqc, context, page_offset) * 64);
}

static void cq_release(Resource *r) { buffer_free(&((Cq *)r)->buffer); }

const KindInfo cq_kind = {
    .name = "CQ", .size = sizeof(Cq), .state_offset = offsetof(Cq, state), .state_size = sizeof(((Cq *)0)->state),
    .prepare = cq_prepare, .release = cq_release,
};

static void notify(Cq *q)
{
    uint8_t data[28] = { 0 };
    Function *f = q->resource.owner;
    Eq *e = q->eqn < MAX_EQS ? f->eqs[q->eqn] : NULL;
    q->state.armed = false;
    stl_be_p(data + 24, q->resource.id);
    if (e) {
        eq_post(f, e, EVENT_COMP, 0, data);
    }
}

void cq_post(Cq *q, uint8_t *cqe, unsigned opcode)
{
    Function *f = q->resource.owner;
    uint32_t size = 1u << q->log, index = q->state.producer & (size - 1);
    uint64_t at = buffer_at(&q->buffer, (uint64_t)index * CQE);
    cqe[CQE - 1] = opcode << 4 | (q->state.producer >> q->log & 1);
    guest_write(f, at, cqe, CQE - 1);
    smp_wmb();
    guest_write(f, at + CQE - 1, cqe + CQE - 1, 1);
    q->state.producer++;
    if (q->state.armed) {
        notify(q);
    }
}

/* The driver has seen everything up to the number in the doorbell, and wants to be told of the next. */
void cq_doorbell(Function *f, uint32_t command, uint32_t cqn)
{
    Cq *q = resource_find(f, KIND_CQ, cqn & 0xffffff);
    if (!q) {
        return;
    }
    q->state.consumer = command & 0xffffff;
    if ((q->state.producer & 0xffffff) != q->state.consumer) {
        notify(q);
    } else {
        q->state.armed = true;
    }
}

static uint8_t create_cq(Command *c)
{
    const uint8_t *context = AT(create_cq_in, c->in, cq_context);
    Resource *r = resource_create(c, KIND_CQ);
    if (!r) {
        return c->status;
    }
    if (!resource_use(c, r, KIND_EQ, GET(cqc, context, c_eqn_or_apu_element) & 0xff) ||
        !resource_use(c, r, KIND_UAR, GET(cqc, context, uar_page))) {
        resource_discard(r);
        return c->status;
    }
    SET(create_cq_out, c->out, cqn, r->id);
    return STATUS_OK;
}

static uint8_t destroy_cq(Command *c) { return resource_destroy(c, KIND_CQ, GET(destroy_cq_in, c->in, cqn)); }

static uint8_t query_cq(Command *c)
{
    Cq *q = resource_find(c->f, KIND_CQ, GET(query_cq_in, c->in, cqn));
    if (!q) {
        return refuse(c, STATUS_BAD_RES, 0, "CQ");
    }
    uint8_t *context = AT(query_cq_out, c->out, cq_context);
    memcpy(context, AT(create_cq_in, q->resource.in, cq_context), BYTES(cqc));
    SET(cqc, context, consumer_counter, q->state.consumer);
    SET(cqc, context, producer_counter, q->state.producer & 0xffffff);
    return STATUS_OK;
}

/* Moderation (MLX5_CQ_MODIFY_*) can be set and is not heeded: each completion is reported. */
static uint8_t modify_cq(Command *c)
{
    enum { PERIOD = 1, COUNT = 2, OVERRUN = 4, PERIOD_MODE = 16 };
    Cq *q = resource_find(c->f, KIND_CQ, GET(modify_cq_in, c->in, cqn));
    uint32_t what = ldl_be_p(AT(modify_cq_in, c->in, modify_field_select_resize_field_select));
    const uint8_t *to = AT(modify_cq_in, c->in, cq_context);
    if (!q) {
        return refuse(c, STATUS_BAD_RES, 0, "CQ");
    }
    uint8_t *context = AT(create_cq_in, q->resource.in, cq_context);
    if (c->op_mod != 0 || what & ~(PERIOD | COUNT | OVERRUN | PERIOD_MODE)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "neither the size nor the event queue can change");
    }
    if (what & PERIOD) {
        SET(cqc, context, cq_period, GET(cqc, to, cq_period));
    }
    if (what & COUNT) {
        SET(cqc, context, cq_max_count, GET(cqc, to, cq_max_count));
    }
    if (what & PERIOD_MODE) {
        SET(cqc, context, cq_period_mode, GET(cqc, to, cq_period_mode));
    }
    return STATUS_OK;
}

/* ---- send and receive queues ---- */

static bool wq_prepare(Wq *q, const uint8_t *wq, uint32_t in_length)
{
    const uint8_t *pas = wq + BYTES(wq), *end = q->resource.in + in_length;
    q->log = GET(wq, wq, log_wq_sz);
    q->stride = GET(wq, wq, log_wq_stride);
    q->type = GET(wq, wq, wq_type);
    q->doorbell_record = GET(wq, wq, dbr_addr);
    if (pas > end || q->type != WQ_CYCLIC || q->log > MAX_LOG_WQ || q->stride < 4 || q->stride > 9 || GET(wq, wq, wq_umem_valid)) {
        return false;
    }
    return buffer_init(&q->buffer, pas, end - pas, 1ull << (q->log + q->stride), GET(wq, wq, log_wq_pg_sz) + 12,
                       GET(wq, wq, page_offset) * 64);
}

static bool sq_prepare(Resource *r)
{
    Wq *q = (Wq *)r;
    const uint8_t *context = AT(create_sq_in, r->in, ctx);
    if (r->in_length < BYTES(create_sq_in)) {
        return false;
    }
    q->cqn = GET(sqc, context, cqn);
    q->tisn = GET(sqc, context, tis_num_0);
    q->min_inline = GET(sqc, context, min_wqe_inline_mode);
    return !GET(sqc, context, hairpin) && wq_prepare(q, AT(sqc, context, wq), r->in_length) && q->stride == 6;
}

static bool rq_prepare(Resource *r)
{
    Wq *q = (Wq *)r;
    const uint8_t *context = AT(create_rq_in, r->in, ctx);
    if (r->in_length < BYTES(create_rq_in)) {
        return false;
    }
    q->cqn = GET(rqc, context, cqn);
    q->vlan_strip_disable = GET(rqc, context, vsd);
    return !GET(rqc, context, hairpin) && GET(rqc, context, mem_rq_type) == 0 && wq_prepare(q, AT(rqc, context, wq), r->in_length);
}

static void wq_release(Resource *r) { buffer_free(&((Wq *)r)->buffer); }

const KindInfo sq_kind = {
    .name = "SQ", .size = sizeof(Wq), .state_offset = offsetof(Wq, state), .state_size = sizeof(((Wq *)0)->state),
    .prepare = sq_prepare, .release = wq_release,
};
const KindInfo rq_kind = {
    .name = "RQ", .size = sizeof(Wq), .state_offset = offsetof(Wq, state), .state_size = sizeof(((Wq *)0)->state),
    .prepare = rq_prepare, .release = wq_release,
};

static uint8_t create_sq(Command *c)
{
    const uint8_t *context = AT(create_sq_in, c->in, ctx), *wq = AT(sqc, context, wq);
    Resource *r;
    if (GET(sqc, context, state) != QUEUE_RESET) {
        return refuse(c, STATUS_BAD_PARAM, 0, "a queue is made in reset");
    }
    r = resource_create(c, KIND_SQ);
    if (!r) {
        return c->status;
    }
    if (!resource_use(c, r, KIND_CQ, GET(sqc, context, cqn)) || !resource_use(c, r, KIND_PD, GET(wq, wq, pd)) ||
        !resource_use(c, r, KIND_UAR, GET(wq, wq, uar_page)) ||
        (GET(sqc, context, tis_lst_sz) && !resource_use(c, r, KIND_TIS, GET(sqc, context, tis_num_0)))) {
        resource_discard(r);
        return c->status;
    }
    SET(create_sq_out, c->out, sqn, r->id);
    return STATUS_OK;
}

static uint8_t create_rq(Command *c)
{
    const uint8_t *context = AT(create_rq_in, c->in, ctx), *wq = AT(rqc, context, wq);
    Resource *r;
    if (GET(rqc, context, state) != QUEUE_RESET) {
        return refuse(c, STATUS_BAD_PARAM, 0, "a queue is made in reset");
    }
    r = resource_create(c, KIND_RQ);
    if (!r) {
        return c->status;
    }
    /* The driver's queue that drops everything belongs to no protection domain (en_main.c, mlx5e_open_drop_rq). */
    if (!resource_use(c, r, KIND_CQ, GET(rqc, context, cqn)) || (GET(wq, wq, pd) && !resource_use(c, r, KIND_PD, GET(wq, wq, pd))) ||
        (GET(rqc, context, counter_set_id) && !resource_use(c, r, KIND_Q_COUNTER, GET(rqc, context, counter_set_id)))) {
        resource_discard(r);
        return c->status;
    }
    SET(create_rq_out, c->out, rqn, r->id);
    return STATUS_OK;
}

static uint8_t change_state(Command *c, Wq *q, unsigned from, unsigned to)
{
    static const bool allowed[4][4] = {
        [QUEUE_RESET] = { [QUEUE_RESET] = true, [QUEUE_READY] = true, [QUEUE_ERROR] = true },
        [QUEUE_READY] = { [QUEUE_RESET] = true, [QUEUE_READY] = true, [QUEUE_ERROR] = true },
        [QUEUE_ERROR] = { [QUEUE_RESET] = true, [QUEUE_ERROR] = true },
    };
    if (from > 3 || to > 3 || q->state.state != from || !allowed[from][to]) {
        return refuse(c, STATUS_BAD_RES_STATE, 0, "the queue's state");
    }
    if (to == QUEUE_RESET) {
        q->state.index = 0;
    }
    q->state.state = to;
    return STATUS_OK;
}

static uint8_t modify_sq(Command *c)
{
    Wq *q = resource_find(c->f, KIND_SQ, GET(modify_sq_in, c->in, sqn));
    const uint8_t *context = AT(modify_sq_in, c->in, ctx);
    return q ? change_state(c, q, GET(modify_sq_in, c->in, sq_state), GET(sqc, context, state)) : refuse(c, STATUS_BAD_RES, 0, "SQ");
}

static uint8_t modify_rq(Command *c)
{
    enum { VSD = 2 };
    Wq *q = resource_find(c->f, KIND_RQ, GET(modify_rq_in, c->in, rqn));
    const uint8_t *context = AT(modify_rq_in, c->in, ctx);
    if (!q) {
        return refuse(c, STATUS_BAD_RES, 0, "RQ");
    }
    if (change_state(c, q, GET(modify_rq_in, c->in, rq_state), GET(rqc, context, state)) != STATUS_OK) {
        return c->status;
    }
    if (GET(modify_rq_in, c->in, modify_bitmask) & VSD) {
        q->vlan_strip_disable = GET(rqc, context, vsd);
        SET(rqc, AT(create_rq_in, q->resource.in, ctx), vsd, q->vlan_strip_disable);
    }
    return STATUS_OK;
}

static uint8_t destroy_sq(Command *c) { return resource_destroy(c, KIND_SQ, GET(destroy_sq_in, c->in, sqn)); }
static uint8_t destroy_rq(Command *c) { return resource_destroy(c, KIND_RQ, GET(destroy_rq_in, c->in, rqn)); }

static uint8_t query_sq(Command *c)
{
    Wq *q = resource_find(c->f, KIND_SQ, GET(query_sq_in, c->in, sqn));
    if (!q) {
        return refuse(c, STATUS_BAD_RES, 0, "SQ");
    }
    uint8_t *context = AT(query_sq_out, c->out, sq_context);
    memcpy(context, AT(create_sq_in, q->resource.in, ctx), BYTES(sqc));
    SET(sqc, context, state, q->state.state);
    return STATUS_OK;
}

static uint8_t query_rq(Command *c)
{
    Wq *q = resource_find(c->f, KIND_RQ, GET(query_rq_in, c->in, rqn));
    if (!q) {
        return refuse(c, STATUS_BAD_RES, 0, "RQ");
    }
    uint8_t *context = AT(query_rq_out, c->out, rq_context);
    memcpy(context, AT(create_rq_in, q->resource.in, ctx), BYTES(rqc));
    SET(rqc, context, state, q->state.state);
    return STATUS_OK;
}

/* ---- tables of receive queues ---- */

/* The list of a context, `space` bytes behind it at most; NULL where it does not hold what it says. */
static uint32_t *rqt_list(const uint8_t *context, size_t space, unsigned *count)
{
    unsigned n = GET(rqtc, context, rqt_actual_size);
    if (n == 0 || n > 1u << 11 || (size_t)n * 4 > space || GET(rqtc, context, rq_vhca_id_format)) {
        return NULL;
    }
    uint32_t *list = g_new(uint32_t, n);
    for (unsigned i = 0; i < n; i++) {
        list[i] = ldl_be_p(context + BYTES(rqtc) + 4 * i) & 0xffffff;
    }
    *count = n;
    return list;
}

static bool rqt_prepare(Resource *r)
{
    Rqt *t = (Rqt *)r;
    const uint8_t *context = AT(create_rqt_in, r->in, rqt_context);
    if (r->in_length < BYTES(create_rqt_in)) {
        return false;
    }
    t->rqs = rqt_list(context, r->in_length - BYTES(create_rqt_in), &t->count);
    return t->rqs != NULL && GET(rqtc, context, rqt_max_size) >= t->count;
}

static void rqt_release(Resource *r)
{
    g_free(((Rqt *)r)->rqs);
    ((Rqt *)r)->rqs = NULL;
}

const KindInfo rqt_kind = { .name = "RQT", .size = sizeof(Rqt), .prepare = rqt_prepare, .release = rqt_release };

/* Names all of the list, or nothing. */
static bool rqt_use_all(Command *c, Rqt *t, const uint32_t *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!resource_use(c, &t->resource, KIND_RQ, list[i])) {
            while (i--) {
                resource_let_go(&t->resource, resource_find(c->f, KIND_RQ, list[i]));
            }
            return false;
        }
    }
    return true;
}

static uint8_t create_rqt(Command *c)
{
    Rqt *t = resource_create(c, KIND_RQT);
    if (!t) {
        return c->status;
    }
    if (!rqt_use_all(c, t, t->rqs, t->count)) {
        resource_discard(&t->resource);
        return c->status;
    }
    SET(create_rqt_out, c->out, rqtn, t->resource.id);
    return STATUS_OK;
}

static uint8_t modify_rqt(Command *c)
{
    Rqt *t = resource_find(c->f, KIND_RQT, GET(modify_rqt_in, c->in, rqtn));
    uint8_t *to = AT(modify_rqt_in, c->in, ctx);
    unsigned count;
    if (!t) {
        return refuse(c, STATUS_BAD_RES, 0, "RQT");
    }
    uint8_t *context = AT(create_rqt_in, t->resource.in, rqt_context);
    g_autofree uint32_t *list = rqt_list(to, c->in_length - BYTES(modify_rqt_in), &count);
    if (!list || count > GET(rqtc, context, rqt_max_size)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "the list of queues");
    }
    if (!rqt_use_all(c, t, list, count)) {
        return c->status;
    }
    for (unsigned i = 0; i < t->count; i++) {
        resource_let_go(&t->resource, resource_find(c->f, KIND_RQ, t->rqs[i]));
    }
    /* The creating command is what a snapshot keeps: it gets the new list. */
    uint32_t length = BYTES(create_rqt_in) + 4 * count;
    uint8_t *in = g_malloc0(length);
    memcpy(in, t->resource.in, BYTES(create_rqt_in));
    memcpy(in + BYTES(create_rqt_in), to + BYTES(rqtc), 4 * count);
    SET(rqtc, AT(create_rqt_in, in, rqt_context), rqt_actual_size, count);
    g_free(t->resource.in);
    t->resource.in = in;
    t->resource.in_length = length;
    g_free(t->rqs);
    t->rqs = g_steal_pointer(&list);
    t->count = count;
    return STATUS_OK;
}

static uint8_t destroy_rqt(Command *c) { return resource_destroy(c, KIND_RQT, GET(destroy_rqt_in, c->in, rqtn)); }

/* ---- where received packets go, and what is sent by ---- */

static bool tir_prepare(Resource *r)
{
    Tir *t = (Tir *)r;
    const uint8_t *context = AT(create_tir_in, r->in, ctx);
    if (r->in_length < BYTES(create_tir_in) || GET(tirc, context, disp_type) > 1) {
        return false;
    }
    t->indirect = GET(tirc, context, disp_type) == 1;
    t->target = t->indirect ? GET(tirc, context, indirect_table) : GET(tirc, context, inline_rqn);
    return !GET(tirc, context, tls_en);
}

const KindInfo tir_kind = { .name = "TIR", .size = sizeof(Tir), .prepare = tir_prepare };

static uint8_t create_tir(Command *c)
{
    const uint8_t *context = AT(create_tir_in, c->in, ctx);
    Tir *t = resource_create(c, KIND_TIR);
    if (!t) {
        return c->status;
    }
    if (!resource_use(c, &t->resource, t->indirect ? KIND_RQT : KIND_RQ, t->target) ||
        !resource_use(c, &t->resource, KIND_TRANSPORT_DOMAIN, GET(tirc, context, transport_domain))) {
        resource_discard(&t->resource);
        return c->status;
    }
    SET(create_tir_out, c->out, tirn, t->resource.id);
    return STATUS_OK;
}

/* Bits of modify_tir's bitmask: loopback, fields and keys of the hash, large receive. Only the first changes what packets do. */
static uint8_t modify_tir(Command *c)
{
    Tir *t = resource_find(c->f, KIND_TIR, GET(modify_tir_in, c->in, tirn));
    if (!t) {
        return refuse(c, STATUS_BAD_RES, 0, "TIR");
    }
    uint8_t *context = AT(create_tir_in, t->resource.in, ctx), *to = AT(modify_tir_in, c->in, ctx);
    SET(tirc, context, self_lb_block, GET(tirc, to, self_lb_block));
    return STATUS_OK;
}

static uint8_t destroy_tir(Command *c) { return resource_destroy(c, KIND_TIR, GET(destroy_tir_in, c->in, tirn)); }

const KindInfo tis_kind = { .name = "TIS", .size = sizeof(Resource) };

static uint8_t create_tis(Command *c)
{
    const uint8_t *context = AT(create_tis_in, c->in, ctx);
    Resource *r;
    if (GET(tisc, context, tls_en) || GET(tisc, context, lag_tx_port_affinity) > PORTS) {
        return refuse(c, STATUS_BAD_PARAM, 0, "TIS");
    }
    r = resource_create(c, KIND_TIS);
    if (!r) {
        return c->status;
    }
    if (!resource_use(c, r, KIND_TRANSPORT_DOMAIN, GET(tisc, context, transport_domain))) {
        resource_discard(r);
        return c->status;
    }
    SET(create_tis_out, c->out, tisn, r->id);
    return STATUS_OK;
}

static uint8_t modify_tis(Command *c)
{
    return resource_find(c->f, KIND_TIS, GET(modify_tis_in, c->in, tisn)) ? STATUS_OK : refuse(c, STATUS_BAD_RES, 0, "TIS");
}

static uint8_t destroy_tis(Command *c) { return resource_destroy(c, KIND_TIS, GET(destroy_tis_in, c->in, tisn)); }

/* ---- shares of a port's bandwidth: kept and shown, not enforced ---- */

const KindInfo scheduling_element_kind = { .name = "scheduling element", .size = sizeof(Resource) };

static uint8_t create_scheduling_element(Command *c)
{
    enum { ESWITCH_HIERARCHY = 2, TSAR = 0, VPORT = 1 };
    const uint8_t *context = AT(create_scheduling_element_in, c->in, scheduling_context);
    unsigned type = GET(scheduling_context, context, element_type);
    uint32_t parent = GET(scheduling_context, context, parent_element_id);
    Resource *r;
    if (GET(create_scheduling_element_in, c->in, scheduling_hierarchy) != ESWITCH_HIERARCHY || type > VPORT ||
        GET(scheduling_context, context, bw_share) > 100) {
        return refuse(c, STATUS_BAD_PARAM, 0, "scheduling element");
    }
    if (type == VPORT && !vport_numbered(c->f->port, GET(scheduling_context, context, element_attributes) & 0xffff)) {
        return refuse(c, STATUS_BAD_PARAM, 0, "no such vport");
    }
    r = resource_create(c, KIND_SCHEDULING_ELEMENT);
    if (!r) {
        return c->status;
    }
    if (parent && !resource_use(c, r, KIND_SCHEDULING_ELEMENT, parent)) {
        resource_discard(r);
        return c->status;
    }
    SET(create_scheduling_element_out, c->out, scheduling_element_id, r->id);
    return STATUS_OK;
}

static uint8_t modify_scheduling_element(Command *c)
{
    enum { BW_SHARE = 1, MAX_BW = 2 };
    Resource *r = resource_find(c->f, KIND_SCHEDULING_ELEMENT, GET(modify_scheduling_element_in, c->in, scheduling_element_id));
    uint32_t what = GET(modify_scheduling_element_in, c->in, modify_bitmask);
    if (!r) {
        return refuse(c, STATUS_BAD_RES, 0, "scheduling element");
    }
    uint8_t *context = AT(create_scheduling_element_in, r->in, scheduling_context);
    uint8_t *to = AT(modify_scheduling_element_in, c->in, scheduling_context);
    if (what & BW_SHARE) {
        SET(scheduling_context, context, bw_share, GET(scheduling_context, to, bw_share));
    }
    if (what & MAX_BW) {
        SET(scheduling_context, context, max_average_bw, GET(scheduling_context, to, max_average_bw));
    }
    return STATUS_OK;
}

static uint8_t query_scheduling_element(Command *c)
{
    Resource *r = resource_find(c->f, KIND_SCHEDULING_ELEMENT, GET(query_scheduling_element_in, c->in, scheduling_element_id));
    if (!r) {
        return refuse(c, STATUS_BAD_RES, 0, "scheduling element");
    }
    memcpy(AT(query_scheduling_element_out, c->out, scheduling_context), AT(create_scheduling_element_in, r->in, scheduling_context),
           BYTES(scheduling_context));
    return STATUS_OK;
}

static uint8_t destroy_scheduling_element(Command *c)
{
    return resource_destroy(c, KIND_SCHEDULING_ELEMENT, GET(destroy_scheduling_element_in, c->in, scheduling_element_id));
}

const CommandEntry queue_commands[] = {
    COMMAND(CREATE_CQ, create_cq, create_cq, 0),
    COMMAND(DESTROY_CQ, destroy_cq, destroy_cq, 0),
    COMMAND(QUERY_CQ, query_cq, query_cq, 0),
    COMMAND(MODIFY_CQ, modify_cq, modify_cq, 0),
    COMMAND(CREATE_SQ, create_sq, create_sq, 0),
    COMMAND(MODIFY_SQ, modify_sq, modify_sq, 0),
    COMMAND(DESTROY_SQ, destroy_sq, destroy_sq, 0),
    COMMAND(QUERY_SQ, query_sq, query_sq, 0),
    COMMAND(CREATE_RQ, create_rq, create_rq, 0),
    COMMAND(MODIFY_RQ, modify_rq, modify_rq, 0),
    COMMAND(DESTROY_RQ, destroy_rq, destroy_rq, 0),
    COMMAND(QUERY_RQ, query_rq, query_rq, 0),
    COMMAND(CREATE_RQT, create_rqt, create_rqt, 0),
    COMMAND(MODIFY_RQT, modify_rqt, modify_rqt, 0),
    COMMAND(DESTROY_RQT, destroy_rqt, destroy_rqt, 0),
    COMMAND(CREATE_TIR, create_tir, create_tir, 0),
    COMMAND(MODIFY_TIR, modify_tir, modify_tir, 0),
    COMMAND(DESTROY_TIR, destroy_tir, destroy_tir, 0),
    COMMAND(CREATE_TIS, create_tis, create_tis, 0),
    COMMAND(MODIFY_TIS, modify_tis, modify_tis, 0),
    COMMAND(DESTROY_TIS, destroy_tis, destroy_tis, 0),
    COMMAND(CREATE_SCHEDULING_ELEMENT, create_scheduling_element, create_scheduling_element, ESWITCH),
    COMMAND(MODIFY_SCHEDULING_ELEMENT, modify_scheduling_element, modify_scheduling_element, ESWITCH),
    COMMAND(QUERY_SCHEDULING_ELEMENT, query_scheduling_element, query_scheduling_element, ESWITCH),
    COMMAND(DESTROY_SCHEDULING_ELEMENT, destroy_scheduling_element, destroy_scheduling_element, ESWITCH),
    { 0 },
};
