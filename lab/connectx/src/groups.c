/*
 * The groups of flow tables: a group is a range of a table's entries that are matched by the same criteria, or chosen by the same
 * hash.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "steering.h"

/* match_criteria_enable: a bit for each 64 bytes of fte_match_param */
#define CRITERIA_ALL 0x7f

static gint compare_groups(gconstpointer a, gconstpointer b)
{
    const FlowGroup *x = *(FlowGroup *const *)a, *y = *(FlowGroup *const *)b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static bool group_prepare(Resource *r)
{
    FlowGroup *g = (FlowGroup *)r;
    const uint8_t *criteria = AT(create_flow_group_in, r->in, match_criteria);
    unsigned enabled = GET(create_flow_group_in, r->in, match_criteria_enable);
    FlowTable *t = resource_on_card(r->owner->card, KIND_FLOW_TABLE, GET(create_flow_group_in, r->in, table_id));
    if (!t || (!t->groups && !table_prepare(&t->resource))) {
        return false;
    }
    g->first = GET(create_flow_group_in, r->in, start_flow_index);
    g->last = GET(create_flow_group_in, r->in, end_flow_index);
    g->hash_split = GET(create_flow_group_in, r->in, group_type) == MLX5_CREATE_FLOW_GROUP_IN_GROUP_TYPE_HASH_SPLIT;
    g->definer = GET(create_flow_group_in, r->in, match_definer_id);
    for (unsigned i = 0; i < KEY_WORDS; i++) {
        uint64_t mask = 0;
        /* criteria of 64 bytes each; those that are not enabled do not count */
        if (enabled >> (i / 8) & 1) {
            memcpy(&mask, criteria + 8 * i, 8);
        }
        if (mask) {
            g->word[g->words] = i;
            g->mask[g->words++] = mask;
        }
    }
    g->by_value = g_hash_table_new(entry_hash, entry_equal);
    g->table = t;
    g_ptr_array_add(t->groups, g);
    g_ptr_array_sort(t->groups, compare_groups);
    return true;
}

static void group_release(Resource *r)
{
    FlowGroup *g = (FlowGroup *)r;
    if (!g->by_value) {
        return;
    }
    g_autoptr(GList) lists = g_hash_table_get_values(g->by_value);
    for (GList *l = lists; l; l = l->next) {
        for (FlowEntry *e = l->data, *next; e; e = next) {
            next = e->same;
            entry_free(e);
        }
    }
    g_hash_table_destroy(g->by_value);
    if (g->table) {
        g_ptr_array_remove(g->table->groups, g);
    }
}

const KindInfo flow_group_kind = { .name = "flow group", .size = sizeof(FlowGroup), .prepare = group_prepare,
    .release = group_release };

uint8_t create_group(Command *c)
{
    unsigned type = GET(create_flow_group_in, c->in, table_type);
    FlowTable *t = table_of_command(c, type, GET(create_flow_group_in, c->in, table_id));
    uint32_t first = GET(create_flow_group_in, c->in, start_flow_index), last = GET(create_flow_group_in, c->in, end_flow_index);
    unsigned kind = GET(create_flow_group_in, c->in, group_type), definer = GET(create_flow_group_in, c->in, match_definer_id);
    bool split = kind == MLX5_CREATE_FLOW_GROUP_IN_GROUP_TYPE_HASH_SPLIT;
    Resource *by = NULL;
    FlowGroup *g;
    if (!t) {
        return c->status;
    }
    if (first > last || last >> t->log_size || kind > MLX5_CREATE_FLOW_GROUP_IN_GROUP_TYPE_HASH_SPLIT ||
        GET(create_flow_group_in, c->in, match_criteria_enable) & ~CRITERIA_ALL) {
        return refuse(c, STATUS_BAD_PARAM, 0, "a flow group's range or kind");
    }
    for (guint i = 0; i < t->groups->len; i++) {
        g = g_ptr_array_index(t->groups, i);
        if (first <= g->last && last >= g->first) {
            return refuse(c, STATUS_BAD_PARAM, 0, "a range that another group has");
        }
    }
    if (split) {
        by = resource_find(c->f, KIND_DEFINER, definer);
        if (type != TABLE_PORT_SELECTION || !by) {
            return refuse(c, by ? STATUS_BAD_PARAM : STATUS_BAD_RES, 0, "a group by hash");
        }
    } else if (definer) {
        return refuse(c, STATUS_BAD_PARAM, 0, "a definer without a hash");
    }
    if (!fields_are_supported(c->f, type, AT(create_flow_group_in, c->in, match_criteria))) {
        return refuse(c, STATUS_BAD_PARAM, 0, "criteria that are not advertised");
    }
    g = resource_create(c, KIND_FLOW_GROUP);
    if (!g) {
        return c->status;
    }
    resource_hold(&g->resource, &t->resource);
    if (by) {
        resource_hold(&g->resource, by);
    }
    SET(create_flow_group_out, c->out, group_id, g->resource.id);
    return STATUS_OK;
}

static FlowGroup *group_of_command(Command *c, unsigned type, uint32_t table, uint32_t id)
{
    FlowTable *t = table_of_command(c, type, table);
    FlowGroup *g = t ? resource_find(c->f, KIND_FLOW_GROUP, id) : NULL;
    if (t && (!g || g->table != t || id >> 24)) {
        refuse(c, STATUS_BAD_RES, 0, "flow group");
        return NULL;
    }
    return g;
}

uint8_t query_group(Command *c)
{
    FlowGroup *g = group_of_command(c, GET(query_flow_group_in, c->in, table_type), GET(query_flow_group_in, c->in, table_id),
                                    GET(query_flow_group_in, c->in, group_id));
    if (g) {
        SET(query_flow_group_out, c->out, start_flow_index, g->first);
        SET(query_flow_group_out, c->out, end_flow_index, g->last);
        SET(query_flow_group_out, c->out, match_criteria_enable, GET(create_flow_group_in, g->resource.in,
                                                                     match_criteria_enable));
        memcpy(AT(query_flow_group_out, c->out, match_criteria), AT(create_flow_group_in, g->resource.in, match_criteria),
               KEY_BYTES);
    }
    return c->status;
}

uint8_t destroy_group(Command *c)
{
    FlowGroup *g = group_of_command(c, GET(destroy_flow_group_in, c->in, table_type), GET(destroy_flow_group_in, c->in, table_id),
                                    GET(destroy_flow_group_in, c->in, group_id));
    if (!g) {
        return c->status;
    }
    if (g->entries) {
        return refuse(c, STATUS_BAD_RES_STATE, 0, "a group with entries");
    }
    return resource_destroy(c, KIND_FLOW_GROUP, g->resource.id);
}
