/*
 * Bringing a function up and down, and the pages of the guest's memory that firmware lives in.
 *
 * Order and meaning: the driver's mlx5_function_setup and _teardown (main.c), mlx5_device_enable_sriov (sriov.c). Pages: pagealloc.c; the
 * PF's driver gives those of its VFs too, when asked by an event. How many firmware asks for is invented.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"

#define EVENT_PAGE_REQUEST 0xb
#define BOOT_PAGES 16
#define INIT_PAGES 32
#define VF_PAGES 8
#define RESOURCES_PER_PAGE 64
#define MAX_PAGES_GIVEN (256 * 1024)
enum { QUERY_BOOT = 1, QUERY_INIT = 2, QUERY_REGULAR = 3 };
enum { CANNOT_GIVE = 0, GIVE = 1, TAKE = 2 };
enum { TEARDOWN_GRACEFUL = 0, TEARDOWN_FORCE = 1, TEARDOWN_FAST = 2 };

/* ---- up and down ---- */

static uint8_t query_issi(Command *c)
{
    SET(query_issi_out, c->out, supported_issi_dw0, 3);         /* bits 0 and 1 */
    return STATUS_OK;
}

static uint8_t set_issi(Command *c)
{
    return GET(set_issi_in, c->in, current_issi) <= 1 ? STATUS_OK : refuse(c, STATUS_BAD_PARAM, 0, "unknown interface step");
}

/* The vport that a PF enables: its own (0) or one of its VFs'. */
static Vport *vport_to_enable(Command *c, unsigned id)
{
    Vport *v = c->f->is_vf ? NULL : vport_numbered(c->f->port, id);
    if (id == 0) {
        return c->f->vport;
    }
    if (!v || v->number == UPLINK) {
        refuse(c, STATUS_BAD_PARAM, 0, "no such function");
        return NULL;
    }
    return v;
}

static void ask_for_pages(Function *pf, unsigned id, int32_t count)
{
    uint8_t data[28] = { 0 };
    if (!pf->initialized || count == 0) {
        return;
    }
    stw_be_p(data + 2, id);
    stl_be_p(data + 4, count);
    event_post(pf, EVENT_PAGE_REQUEST, 0, data);
}

static uint8_t enable_hca(Command *c)
{
    Vport *v = vport_to_enable(c, GET(enable_hca_in, c->in, function_id));
    if (!v) {
        return c->status;
    }
    if (v == c->f->vport) {
        /* A VF comes up when its PF has enabled it. */
        return v->hca_enabled ? STATUS_OK : refuse(c, STATUS_BAD_SYS_STATE, 0, "not enabled by the PF");
    }
    if (v->hca_enabled) {
        return refuse(c, STATUS_BAD_SYS_STATE, 0, "enabled already");
    }
    v->hca_enabled = true;
    v->pages_asked = VF_PAGES;
    ask_for_pages(c->f, v->number, VF_PAGES);
    return STATUS_OK;
}

static uint8_t disable_hca(Command *c)
{
    Vport *v = vport_to_enable(c, GET(disable_hca_in, c->in, function_id));
    if (!v) {
        return c->status;
    }
    if (v == c->f->vport) {
        return STATUS_OK;
    }
    if (!v->hca_enabled) {
        return refuse(c, STATUS_BAD_SYS_STATE, 0, "not enabled");
    }
    Function *vf = function_of_vport(v->port, v->number);
    if (vf && vf->initialized) {
        function_forget(vf);
    }
    v->hca_enabled = false;
    v->pages_asked = 0;
    ask_for_pages(c->f, v->number, -(int32_t)pages_given(v));
    return STATUS_OK;
}

static uint8_t init_hca(Command *c)
{
    Function *f = c->f;
    if (f->initialized) {
        return refuse(c, STATUS_BAD_SYS_STATE, 0, "initialized already");
    }
    if (!f->vport->hca_enabled) {
        return refuse(c, STATUS_BAD_SYS_STATE, 0, "not enabled");
    }
    if (!f->is_vf && pages_given(f->vport) < BOOT_PAGES) {
        return refuse(c, STATUS_NO_RES, 0, "too few pages");
    }
    f->initialized = true;
    return STATUS_OK;
}

void function_forget(Function *f)
{
    Vport *v = f->vport;
    f->initialized = false;
    resources_forget(f);
    steering_reset(f);
    memset(f->l2_entries, 0, sizeof(f->l2_entries));
    /* What the driver had set for itself; what the PF has set for a VF stays. */
    memset(v->list_size, 0, sizeof(v->list_size));
    SET(nic_vport_context, v->nic, promisc_uc, 0);
    SET(nic_vport_context, v->nic, promisc_mc, 0);
    SET(nic_vport_context, v->nic, promisc_all, 0);
    SET(nic_vport_context, v->nic, roce_en, 0);
    if (!f->is_vf && f->card->lag) {
        lag_reset(f->card);
    }
}

static uint8_t teardown_hca(Command *c)
{
    Function *f = c->f;
    unsigned profile = GET(teardown_hca_in, c->in, profile);
    if (!f->initialized) {
        return refuse(c, STATUS_BAD_SYS_STATE, 0, "not initialized");
    }
    if (profile > TEARDOWN_FAST) {
        return refuse(c, STATUS_BAD_PARAM, 0, "profile");
    }
    if (profile == TEARDOWN_GRACEFUL) {
        unsigned left = resources_count(f->card, f, -1);
        if (left) {
            g_autofree char *text = resources_text(f->card);
            LOG(f, "the driver left behind:\n%s", text);
        }
        f->leaked += left;
    }
    /* The answer still takes the way of the event queue that goes with it; a fast teardown ends with the interface (registers.c). */
    f->forget_after_answer = profile != TEARDOWN_FAST;
    SET(teardown_hca_out, c->out, state, 0);                    /* success */
    return STATUS_OK;
}

static uint8_t query_hca_cap(Command *c)
{
    unsigned type = c->op_mod >> 1;
    Function *f = c->f;
    if (GET(query_hca_cap_in, c->in, other_function)) {
        f = c->f->is_vf ? NULL : function_of_vport(c->f->port, GET(query_hca_cap_in, c->in, function_id));
    }
    if (!f || type >= CAP_TYPES) {
        return refuse(c, STATUS_BAD_PARAM, 0, "capability");
    }
    uint32_t length = MIN(c->out_length - 16, sizeof(f->cap[0]));
    memcpy(c->out + 16, f->cap[type], length);
    return STATUS_OK;
}

/*
 * A driver lowers what it will use; the few that it may turn on or off are heeded. Numbers above what the model has are refused.
 */
static uint8_t set_hca_cap(Command *c)
{
    unsigned type = c->op_mod >> 1;
    Function *f = c->f;
    const uint8_t *to = AT(set_hca_cap_in, c->in, capability);
    if (GET(set_hca_cap_in, c->in, other_function)) {
        f = c->f->is_vf ? NULL : function_of_vport(c->f->port, GET(set_hca_cap_in, c->in, function_id));
    }
    if (!f || type >= CAP_TYPES) {
        return refuse(c, STATUS_BAD_PARAM, 0, "capability");
    }
    if (f->initialized && f == c->f) {
        return refuse(c, STATUS_BAD_SYS_STATE, 0, "after INIT_HCA");
    }
    if (type == 0) {
        if (GET(cmd_hca_cap, to, log_max_qp) > CAP_GEN(f, log_max_qp)) {
            return refuse(c, STATUS_BAD_PARAM, 0, "more queue pairs than there are");
        }
        SET(cmd_hca_cap, f->cap[0], log_max_qp, GET(cmd_hca_cap, to, log_max_qp));
    }
    return STATUS_OK;
}

static uint8_t query_adapter(Command *c)
{
    memcpy(AT(query_adapter_out, c->out, query_adapter_struct.vsd_contd_psid), card_psid(c->f->card), 13);
    return STATUS_OK;
}

static uint8_t query_special_contexts(Command *c)
{
    SET(query_special_contexts_out, c->out, terminate_scatter_list_mkey, TERMINATE_SCATTER_LIST_MKEY);
    SET(query_special_contexts_out, c->out, dump_fill_mkey, 0x200);
    SET(query_special_contexts_out, c->out, resd_lkey, 0x300);
    SET(query_special_contexts_out, c->out, null_mkey, 0x400);
    return STATUS_OK;
}

static uint8_t set_driver_version(Command *c)
{
    return STATUS_OK;
}

/* ---- pages ---- */

unsigned pages_given(const Vport *v) { return v->pages ? g_hash_table_size(v->pages) : 0; }

static uint8_t query_pages(Command *c)
{
    Function *f = c->f;
    int32_t count = 0;
    /* A VF's come by way of its PF. */
    if (!f->is_vf) {
        unsigned want = c->op_mod == QUERY_BOOT ? BOOT_PAGES : c->op_mod == QUERY_INIT ? BOOT_PAGES + INIT_PAGES : 0;
        count = MAX(0, (int32_t)want - (int32_t)pages_given(f->vport));
        f->vport->pages_asked = MAX(f->vport->pages_asked, want);
    }
    if (c->op_mod < QUERY_BOOT || c->op_mod > QUERY_REGULAR) {
        return refuse(c, STATUS_BAD_PARAM, 0, "op_mod");
    }
    SET(query_pages_out, c->out, num_pages, count);
    return STATUS_OK;
}

static uint8_t give_pages(Command *c, Vport *v, uint32_t count)
{
    const uint8_t *list = c->in + BYTES(manage_pages_in);
    if (BYTES(manage_pages_in) + 8ull * count > c->in_length) {
        return refuse(c, STATUS_BAD_INPUT_LENGTH, 0, "pages");
    }
    if (pages_given(v) + count > MAX_PAGES_GIVEN) {
        return refuse(c, STATUS_LIMIT, 0, "more pages than firmware can use");
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = ldq_be_p(list + 8 * i);
        if (address & 0xfff || g_hash_table_contains(v->pages, &address)) {
            return refuse(c, STATUS_BAD_PARAM, 0, "a page that was given already");
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t *key = g_new(uint64_t, 1);
        *key = ldq_be_p(list + 8 * i);
        g_hash_table_add(v->pages, key);
    }
    return STATUS_OK;
}

/* Gives back as many as firmware does not need. */
static uint8_t take_pages(Command *c, Vport *v, uint32_t count)
{
    uint8_t *list = c->out + BYTES(manage_pages_out);
    Function *f = function_of_vport(v->port, v->number);
    bool live = v->hca_enabled && ((f && f->initialized) || v->number != 0);
    unsigned need = live ? pages_needed(v) : 0, have = pages_given(v);
    uint32_t n = MIN(count, have > need ? have - need : 0), room = (c->out_length - BYTES(manage_pages_out)) / 8;
    GHashTableIter i;
    gpointer key;
    n = MIN(n, room);
    g_hash_table_iter_init(&i, v->pages);
    for (uint32_t k = 0; k < n && g_hash_table_iter_next(&i, &key, NULL); k++) {
        stq_be_p(list + 8 * k, *(uint64_t *)key);
        g_hash_table_iter_remove(&i);
    }
    SET(manage_pages_out, c->out, output_num_entries, n);
    return STATUS_OK;
}

static uint8_t manage_pages(Command *c)
{
    unsigned id = GET(manage_pages_in, c->in, function_id);
    uint32_t count = GET(manage_pages_in, c->in, input_num_entries);
    Vport *v = id == 0 ? c->f->vport : c->f->is_vf ? NULL : vport_numbered(c->f->port, id);
    if (!v || v->number == UPLINK) {
        return refuse(c, STATUS_BAD_PARAM, 0, "no such function");
    }
    switch (c->op_mod) {
    case CANNOT_GIVE:
        v->pages_asked = pages_given(v);
        return STATUS_OK;
    case GIVE:
        return give_pages(c, v, count);
    case TAKE:
        return take_pages(c, v, count);
    }
    return refuse(c, STATUS_BAD_PARAM, 0, "op_mod");
}

unsigned pages_needed(const Vport *v)
{
    Function *f = function_of_vport(v->port, v->number);
    unsigned base = v->number == 0 ? BOOT_PAGES + INIT_PAGES : VF_PAGES;
    return base + (f ? f->resources / RESOURCES_PER_PAGE : 0);
}

/* Asks when what it has is used up; offers back when four times as many lie idle, so that it does not ask and give in turn. */
void pages_follow(Function *f)
{
    Vport *v = f->vport;
    unsigned need = pages_needed(v);
    Function *pf = f->port->pf;
    if (!f->initialized || !pf) {
        return;
    }
    if (need > v->pages_asked) {
        unsigned more = need + 4 - v->pages_asked;
        v->pages_asked += more;
        ask_for_pages(pf, v->number, more);
    } else if (v->pages_asked > need + 16 && pages_given(v) > need + 16) {
        unsigned idle = MIN(v->pages_asked, pages_given(v)) - need - 4;
        v->pages_asked -= idle;
        ask_for_pages(pf, v->number, -(int32_t)idle);
    }
}

void pages_reset(Vport *v)
{
    g_hash_table_remove_all(v->pages);
    v->pages_asked = 0;
}

const CommandEntry hca_commands[] = {
    COMMAND(QUERY_ISSI, query_issi, query_issi, ANY_TIME),
    COMMAND(SET_ISSI, set_issi, set_issi, ANY_TIME),
    COMMAND(ENABLE_HCA, enable_hca, enable_hca, ANY_TIME),
    COMMAND(DISABLE_HCA, disable_hca, disable_hca, ANY_TIME),
    COMMAND(INIT_HCA, init_hca, init_hca, ANY_TIME),
    COMMAND(TEARDOWN_HCA, teardown_hca, teardown_hca, ANY_TIME),
    COMMAND_OUT(QUERY_HCA_CAP, query_hca_cap, 16, query_hca_cap, ANY_TIME),
    COMMAND_OUT(SET_HCA_CAP, set_hca_cap, 16, set_hca_cap, ANY_TIME),
    COMMAND(QUERY_ADAPTER, query_adapter, query_adapter, ANY_TIME),
    COMMAND_OUT(QUERY_SPECIAL_CONTEXTS, query_special_contexts, 16, query_special_contexts, ANY_TIME),
    COMMAND(SET_DRIVER_VERSION, set_driver_version, set_driver_version, ANY_TIME),
    COMMAND(QUERY_PAGES, query_pages, query_pages, ANY_TIME),
    COMMAND(MANAGE_PAGES, manage_pages, manage_pages, ANY_TIME),
    { 0 },
};
