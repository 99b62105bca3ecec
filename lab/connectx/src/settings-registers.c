/*
 * The registers by which tools and the driver reach non-volatile settings (mstflint tools_open_layouts.c, tools_open_nv*; the
 * driver's lib/nv_param.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "settings.h"

/* A record's header, three words: fields are counted from the most significant bit of the first. */
enum { LENGTH_AT = 23, LENGTH_WIDTH = 9, MODE_AT = 8, MODE_WIDTH = 2, VERSION_AT = 16, VERSION_WIDTH = 4, TYPE = 4, HEADER = 12 };

static const RecordInfo *record_in(Access *a, const uint8_t *type, unsigned *instance)
{
    return settings_record(a->f->card, ldl_be_p(type), a->f->port->number, instance);
}

/* NVQC: may the record be read and written, and in what version. Of what firmware does not know it says neither. */
static uint8_t query_record(Access *a)
{
    enum { READABLE_AT = 63, WRITABLE_AT = 62, RECORD_VERSION_AT = 56 };
    unsigned instance;
    const RecordInfo *r = record_in(a, a->data, &instance);
    bits_set(a->data, READABLE_AT, 1, r != NULL);
    bits_set(a->data, WRITABLE_AT, 1, r && !(r->flags & RECORD_CAPABILITY));
    bits_set(a->data, RECORD_VERSION_AT, 4, r ? r->version : 0);
    return REGISTER_OK;
}

/* NVDA of tools, MNVDA of the driver: a record's value. */
static uint8_t record_value(Access *a)
{
    unsigned instance, length = bits_get(a->data, LENGTH_AT, LENGTH_WIDTH), mode = bits_get(a->data, MODE_AT, MODE_WIDTH);
    const RecordInfo *r = record_in(a, a->data + TYPE, &instance);
    uint8_t value[MAX_RECORD];
    if (!r) {
        /*
         * Expansion ROMs' records are kept without being understood, and one that nobody wrote is not there; mstflint takes that
         * for an empty one, and any other answer for a failed query.
         */
        return a->write ? REGISTER_BAD_PARAM : REGISTER_NO_RESOURCE;
    }
    if (a->write) {
        if (length == 0 || length > r->size || length > a->length - MIN(a->length, HEADER)) {
            return REGISTER_BAD_PARAM;
        }
        return settings_set(a->f->card, r, instance, a->data + HEADER, length);
    }
    if (mode > WHICH_DEFAULT) {
        return REGISTER_BAD_PARAM;
    }
    if (!settings_get(a->f->card, r, instance, mode, value)) {
        return REGISTER_NO_RESOURCE;
    }
    bits_set(a->data, LENGTH_AT, LENGTH_WIDTH, r->size);
    bits_set(a->data, VERSION_AT, VERSION_WIDTH, r->version);
    memcpy(a->data + HEADER, value, r->size);
    return REGISTER_OK;
}

/* NVDI: one record as the factory left it. */
static uint8_t reset_record(Access *a)
{
    unsigned instance;
    const RecordInfo *r = record_in(a, a->data + TYPE, &instance);
    if (!a->write) {
        return REGISTER_BAD_METHOD;
    }
    return r && !(r->flags & RECORD_CAPABILITY) ? settings_reset(a->f->card, r, instance) : REGISTER_BAD_PARAM;
}

/* NVIA: all of them. */
static uint8_t reset_all(Access *a)
{
    return a->write ? settings_reset(a->f->card, NULL, 0) : REGISTER_BAD_METHOD;
}

/* NVQGC: the factory's and the current values can be read. */
static uint8_t query_group(Access *a)
{
    bits_set(a->data, 31, 1, 1);
    bits_set(a->data, 30, 1, 1);
    return REGISTER_OK;
}

const RegisterEntry settings_registers[] = {
    { REG_NVQC, FOR_PF | READ_ONLY, query_record }, { REG_MNVDA, FOR_PF, record_value }, { REG_NVDI, FOR_PF, reset_record },
    { REG_NVIA, FOR_PF, reset_all }, { REG_NVQGC, FOR_PF | READ_ONLY, query_group }, { 0 }
};
