/*
 * The firmware's non-volatile settings: records that tools and the driver read and write, kept in a file for each card.
 *
 * A record has three values: the factory's (default), what held at power-on (current), and what the next power-on brings (next).
 * Only the last can be written. What records there are, and what is in them: settings-records.c.
 *
 * The file is text, one line for each record whose next value is not the factory's:
 *     connectx-settings 1
 *     record 0x00000080 8000000180000008000000000000 global_pci_conf
 *     end 1
 * `record` has the record's type as mstflint counts it (class in the top byte, then its port or function, then its index),
 * the value in hexadecimal digits, and a name for the reader, which is not looked at. `end` has the number of records, so a
 * file that was cut off is seen. The file is written beside and moved into place.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "settings.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include <glib/gstdio.h>

#define MAGIC "connectx-settings 1"
#define MAX_FILE (256 * KiB)

typedef struct Value {
    uint8_t bytes[MAX_RECORD];
    bool present;
} Value;

/* Records that ports or functions have of their own have two instances, the others one. */
typedef struct Settings {
    char *file;
    Value (*factory)[PORTS], (*current)[PORTS], (*next)[PORTS];
} Settings;

/* ---- records ---- */

/* `type` as it is in the file: class 1 names a port (1 or 2), class 3 a function (0 or 1). */
uint32_t settings_type(const RecordInfo *record, unsigned instance)
{
    switch (record->type >> 24) {
    case CLASS_PORT:
        return record->type | (instance + 1) << 16;
    case CLASS_FUNCTION:
        return record->type | instance << 10;
    default:
        return record->type;
    }
}

const RecordInfo *settings_record(const Card *card, uint32_t type, unsigned own_function, unsigned *instance)
{
    uint32_t base = type;
    *instance = 0;
    if (type >> 24 == CLASS_PORT) {
        unsigned port = type >> 16 & 0xff;
        if (port < 1 || port > PORTS) {
            return NULL;
        }
        *instance = port - 1;
        base &= ~0x00ff0000u;
    } else if (type >> 24 == CLASS_FUNCTION) {
        unsigned function = type >> 10 & 0xff;
        if (function >= PORTS) {
            return NULL;
        }
        /* Tools and driver write 0 for the function that they ask through (mlxcfg_tlv.cpp, nv_param.c). */
        *instance = function ? function : own_function;
        base &= ~0x0003fc00u;
    }
    for (const RecordInfo *r = record_infos; r->size; r++) {
        if (r->type == base && (!r->models || r->models >> card->model & 1)) {
            return r;
        }
    }
    return NULL;
}

static Value *value_of(Value (*values)[PORTS], const RecordInfo *record, unsigned instance)
{
    return &values[record - record_infos][instance];
}

bool settings_get(const Card *card, const RecordInfo *record, unsigned instance, enum Which which, uint8_t *to)
{
    const Settings *s = card->settings;
    Value (*values)[PORTS] = which == WHICH_DEFAULT ? s->factory : which == WHICH_CURRENT ? s->current : s->next;
    const Value *v = value_of(values, record, instance);
    memcpy(to, v->bytes, record->size);
    return v->present;
}

/* ---- the file ---- */

static char *settings_text(const Settings *s)
{
    GString *text = g_string_new(MAGIC "\n");
    unsigned count = 0;
    for (const RecordInfo *r = record_infos; r->size; r++) {
        for (unsigned i = 0; i < record_instances(r); i++) {
            const Value *next = value_of(s->next, r, i), *factory = value_of(s->factory, r, i);
            if (!next->present || (factory->present && !memcmp(next->bytes, factory->bytes, r->size))) {
                continue;
            }
            g_string_append_printf(text, "record 0x%08x ", settings_type(r, i));
            for (unsigned b = 0; b < r->size; b++) {
                g_string_append_printf(text, "%02x", next->bytes[b]);
            }
            g_string_append_printf(text, " %s\n", r->name);
            count++;
        }
    }
    g_string_append_printf(text, "end %u\n", count);
    return g_string_free(text, false);
}

static bool write_file(const Settings *s)
{
    g_autofree char *text = settings_text(s);
    g_autoptr(GError) error = NULL;
    if (!s->file) {
        return true;
    }
    /* Written beside, flushed, and renamed. */
    const GFileSetContentsFlags whole = G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE;
    if (!g_file_set_contents_full(s->file, text, -1, whole, 0644, &error)) {
        error_report("connectx: %s", error->message);
        return false;
    }
    return true;
}

static bool read_value(const char *digits, const RecordInfo *record, uint8_t *bytes)
{
    if (strlen(digits) != record->size * 2u) {
        return false;
    }
    for (unsigned i = 0; i < record->size; i++) {
        int high = g_ascii_xdigit_value(digits[2 * i]), low = g_ascii_xdigit_value(digits[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = high << 4 | low;
    }
    return true;
}

/* One line `record TYPE VALUE NAME`; what is wrong with it, or NULL. */
static const char *read_record(Card *card, char **words)
{
    unsigned long type;
    unsigned instance;
    if (g_strv_length(words) < 3) {
        return "a record has a type and a value";
    }
    if (qemu_strtoul(words[1], NULL, 0, &type) < 0 || type > UINT32_MAX) {
        return "the type is not a number";
    }
    const RecordInfo *record = settings_record(card, type, 0, &instance);
    if (!record || record->flags & RECORD_CAPABILITY || settings_type(record, instance) != type) {
        return "this model has no such setting";
    }
    uint8_t bytes[MAX_RECORD] = { 0 };
    if (!read_value(words[2], record, bytes)) {
        return "the value does not have the record's length in hexadecimal digits";
    }
    const char *wrong = record->check ? record->check(card, bytes) : NULL;
    if (wrong) {
        return wrong;
    }
    Value *v = value_of(card->settings->next, record, instance);
    memcpy(v->bytes, bytes, record->size);
    v->present = true;
    return NULL;
}

static bool read_text(Card *card, char *text, const char *file, Error **errp)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned count = 0;
    if (strcmp(lines[0] ? lines[0] : "", MAGIC)) {
        error_setg(errp, "connectx: %s: line 1: '%s' is missing: not a card's settings, or of another version", file, MAGIC);
        return false;
    }
    for (unsigned i = 1; lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", 4);
        const char *wrong;
        if (!*lines[i] && !lines[i + 1]) {
            break;
        }
        if (words[0] && !strcmp(words[0], "end")) {
            g_autofree char *expected = g_strdup_printf("end %u", count);
            if (!strcmp(lines[i], expected) && (!lines[i + 1] || (!*lines[i + 1] && !lines[i + 2]))) {
                return true;
            }
            error_setg(errp, "connectx: %s: line %u: the last line is to be '%s'", file, i + 1, expected);
            return false;
        }
        if (words[0] && !strcmp(words[0], "record")) {
            wrong = read_record(card, words);
            count++;
        } else {
            wrong = "neither 'record' nor 'end'";
        }
        if (wrong) {
            error_setg(errp, "connectx: %s: line %u: %s", file, i + 1, wrong);
            return false;
        }
    }
    error_setg(errp, "connectx: %s: cut off: no line 'end'; remove the file to begin with the factory's settings", file);
    return false;
}

static bool read_file(Card *card, const char *file, Error **errp)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    GStatBuf status;
    gsize length;
    if (g_stat(file, &status) < 0) {
        if (errno == ENOENT) {
            return true;
        }
        error_setg_errno(errp, errno, "connectx: %s", file);
        return false;
    }
    if (!S_ISREG(status.st_mode) || status.st_size > MAX_FILE) {
        error_setg(errp, "connectx: %s: not a regular file of at most %u bytes", file, (unsigned)MAX_FILE);
        return false;
    }
    if (!g_file_get_contents(file, &text, &length, &error)) {
        error_setg(errp, "connectx: %s", error->message);
        return false;
    }
    if (strlen(text) != length) {
        error_setg(errp, "connectx: %s: has bytes that are no text", file);
        return false;
    }
    return read_text(card, text, file, errp);
}

/* ---- what tools change ---- */

enum RegisterStatus settings_set(Card *card, const RecordInfo *record, unsigned instance, const uint8_t *bytes, unsigned length)
{
    uint8_t whole[MAX_RECORD] = { 0 };
    Value *v = value_of(card->settings->next, record, instance), old = *v;
    if (record->flags & RECORD_CAPABILITY) {
        return REGISTER_BAD_METHOD;
    }
    /* A tool that knows only the record's first words leaves the others as they are (invented). */
    memcpy(whole, v->bytes, record->size);
    memcpy(whole, bytes, MIN(length, record->size));
    if (record->check && record->check(card, whole)) {
        return REGISTER_BAD_PARAM;
    }
    memcpy(v->bytes, whole, record->size);
    v->present = true;
    if (!write_file(card->settings)) {
        *v = old;
        return REGISTER_INTERNAL;
    }
    return REGISTER_OK;
}

enum RegisterStatus settings_reset(Card *card, const RecordInfo *record, unsigned instance)
{
    Settings *s = card->settings;
    for (const RecordInfo *r = record_infos; r->size; r++) {
        for (unsigned i = 0; i < record_instances(r); i++) {
            if (!record || (r == record && i == instance)) {
                *value_of(s->next, r, i) = *value_of(s->factory, r, i);
            }
        }
    }
    return write_file(s) ? REGISTER_OK : REGISTER_INTERNAL;
}

/* ---- the card's life ---- */

void settings_init(Card *card, const char *file, unsigned num_of_vfs, Error **errp)
{
    size_t count = 0;
    while (record_infos[count].size) {
        count++;
    }
    Settings *s = card->settings = g_new0(Settings, 1);
    s->file = file && *file ? g_strdup(file) : NULL;
    s->factory = g_malloc0_n(count, sizeof(*s->factory));
    s->current = g_malloc0_n(count, sizeof(*s->current));
    s->next = g_malloc0_n(count, sizeof(*s->next));
    if (num_of_vfs > MAX_VFS) {
        error_setg(errp, "connectx: num-of-vfs is at most %u", MAX_VFS);
        num_of_vfs = MAX_VFS;
    }
    for (size_t i = 0; i < count; i++) {
        for (unsigned k = 0; k < PORTS; k++) {
            Value *v = &s->factory[i][k];
            v->present = !(record_infos[i].flags & RECORD_ABSENT);
            record_factory_value(card, &record_infos[i], num_of_vfs, v->bytes);
        }
    }
    memcpy(s->next, s->factory, count * sizeof(*s->next));
    if (s->file && !*errp) {
        read_file(card, s->file, errp);
    }
    memcpy(s->current, s->next, count * sizeof(*s->current));
}
