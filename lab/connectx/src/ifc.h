/*
 * Bit fields of commands, contexts and registers, by the names and places that the kernel's public header gives them
 * (include/linux/mlx5/mlx5_ifc.h). The header is read at build time; nothing of it is copied.
 *
 * A field is at most 32 bits wide and within one big-endian word, or it is a whole 64-bit number.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CONNECTX_IFC_H
#define CONNECTX_IFC_H

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#include <linux/types.h>
#undef BIT
#undef BIT_ULL
#define BIT(n) (1 << (n))
#define BIT_ULL(n) (1ull << (n))
#ifndef DECLARE_FLEX_ARRAY
#define DECLARE_FLEX_ARRAY(TYPE, NAME) struct { struct { } __empty_##NAME; TYPE NAME[]; }
#endif
#include "linux/mlx5/mlx5_ifc.h"

#define BITS(s) struct mlx5_ifc_##s##_bits
#define OFF(s, f) ((unsigned)offsetof(BITS(s), f))
#define WIDTH(s, f) ((unsigned)sizeof(((BITS(s) *)0)->f))
#define BYTES(s) ((unsigned)(sizeof(BITS(s)) / 8))
/* The field `f` of a structure `s` that begins at `p`. */
#define GET(s, p, f) bits_get(p, OFF(s, f), WIDTH(s, f))
#define SET(s, p, f, v) bits_set(p, OFF(s, f), WIDTH(s, f), v)
/* Where the field begins, for those that are structures or arrays of bytes. */
#define AT(s, p, f) ((uint8_t *)(p) + OFF(s, f) / 8)

static inline uint64_t bits_get(const void *base, unsigned offset, unsigned width)
{
    const uint8_t *word = (const uint8_t *)base + offset / 32 * 4;
    if (width == 64) {
        return ldq_be_p(word);
    }
    return extract32(ldl_be_p(word), 32 - offset % 32 - width, width);
}

static inline void bits_set(void *base, unsigned offset, unsigned width, uint64_t value)
{
    uint8_t *word = (uint8_t *)base + offset / 32 * 4;
    if (width == 64) {
        stq_be_p(word, value);
        return;
    }
    stl_be_p(word, deposit32(ldl_be_p(word), 32 - offset % 32 - width, width, value));
}

#endif
