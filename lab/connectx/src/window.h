/*
 * The tools' window and the firmware's mailbox behind it, among the two files that make them up.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CONNECTX_WINDOW_H
#define CONNECTX_WINDOW_H

#include "access.h"

#define ICMD_SIZE 0x400

typedef struct Window {
    uint32_t control, semaphore;
    uint8_t mailbox[ICMD_SIZE];
} Window;

uint32_t icmd_read(Function *f, uint32_t address);
void icmd_write(Function *f, uint32_t address, uint32_t value);

#endif
