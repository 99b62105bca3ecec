/*
 * Faults, among the two files that make them up.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CONNECTX_FAULTS_H
#define CONNECTX_FAULTS_H

#include "card.h"

#define ALL_OPCODES (-1)
#define MAX_FAULTS 256

typedef enum Effect { FAIL, DELAY, SILENT, HEALTH, NO_PAGES, UNPLUG, PLUG, REMOVE, CLEAR } Effect;

/* Whose commands: everybody's, any PF's, any VF's, or those of one function. */
typedef struct Who {
    bool pfs, vfs;
    int port, vf;                       /* -1: any; vf of a PF: -1 */
} Who;

typedef struct Fault {
    Effect effect;
    int opcode;
    Who who;
    uint8_t status;
    uint32_t syndrome;
    uint32_t times;                     /* how often it still fails; 0: always */
    uint32_t milliseconds;
    unsigned port;
    bool fatal;
} Fault;

typedef struct Faults {
    GArray *set;                        /* FAIL, DELAY, SILENT */
    Health health;
} Faults;

/* faults.c */
Faults *faults_of(Card *card);

/* faults-text.c: reads all settings of a text into an array of Fault; false with `errp` set where one is not understood. */
bool faults_read(const char *text, GArray *faults, Error **errp);

#endif
