/*
 * The firmware's non-volatile settings, among the files that make them up.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CONNECTX_SETTINGS_H
#define CONNECTX_SETTINGS_H

#include "access.h"

#define MAX_RECORD 64
/* Classes of a record's type: mstflint mlxconfig/mlxcfg_view.h, enum TLVClass. */
enum { CLASS_GLOBAL = 0, CLASS_PORT = 1, CLASS_FUNCTION = 3, CLASS_HOST = 7 };
enum Which { WHICH_NEXT = 0, WHICH_CURRENT = 1, WHICH_DEFAULT = 2 };    /* the header's access_mode */

enum {
    RECORD_CAPABILITY = 1,              /* says what may be set; cannot be set itself */
    RECORD_ABSENT = 2,                  /* is there only once somebody wrote it: expansion ROMs' */
};

/* A field as mstflint's database counts: bytes of the word, then bits from the least significant one. */
typedef struct RecordField {
    uint8_t word, bit, width;
    uint32_t value;
} RecordField;

typedef struct RecordInfo {
    uint32_t type;                      /* without port and function */
    uint8_t size, version, flags;
    uint8_t models;                     /* 1 << Model of those that have it; 0: all */
    const char *name;
    const RecordField *fields;          /* the factory's values, ended by a width of 0 */
    /* What is wrong with a value; NULL: nothing. */
    const char *(*check)(const Card *card, const uint8_t *bytes);
} RecordInfo;

/* settings-records.c: all records, ended by one of size 0. */
extern const RecordInfo record_infos[];
static inline unsigned record_instances(const RecordInfo *r)
{
    return r->type >> 24 == CLASS_PORT || r->type >> 24 == CLASS_FUNCTION ? PORTS : 1;
}
void record_factory_value(const Card *card, const RecordInfo *record, unsigned num_of_vfs, uint8_t *bytes);

/* settings.c */
uint32_t settings_type(const RecordInfo *record, unsigned instance);
/* The record of a type as a tool names it, through the PF `own_function`; NULL where the model has none. */
const RecordInfo *settings_record(const Card *card, uint32_t type, unsigned own_function, unsigned *instance);
/* False where nobody wrote the record yet; it then reads as zero. */
bool settings_get(const Card *card, const RecordInfo *record, unsigned instance, enum Which which, uint8_t *to);
enum RegisterStatus settings_set(Card *card, const RecordInfo *record, unsigned instance, const uint8_t *bytes, unsigned length);
/* `record` NULL: all. */
enum RegisterStatus settings_reset(Card *card, const RecordInfo *record, unsigned instance);

#endif
