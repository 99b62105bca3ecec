/*
 * What the operator of a lab makes fail, wait or break while the card runs: the property `fault` of the card's first function.
 * Its grammar is in README.md. A text is read as a whole before any of it counts: a mistake in the last setting changes nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pcie.h"

#define ALL_OPCODES (-1)
#define MAX_FAULTS 256
/* A delay longer than this is a mistake: the driver gives a command up after a minute (cmd.c, MLX5_CMD_TIMEOUT_MSEC). */
#define MAX_DELAY_MS 600000

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

/* The names that the driver prints (cmd.c, cmd_status_str). */
static const struct { const char *name; uint8_t status; } status_names[] = {
    { "OK", STATUS_OK }, { "INTERNAL_ERR", STATUS_INTERNAL }, { "BAD_OP", STATUS_BAD_OP }, { "BAD_PARAM", STATUS_BAD_PARAM },
    { "BAD_SYS_STATE", STATUS_BAD_SYS_STATE }, { "BAD_RES", STATUS_BAD_RES }, { "RES_BUSY", STATUS_RES_BUSY },
    { "LIM", STATUS_LIMIT }, { "BAD_RES_STATE", STATUS_BAD_RES_STATE }, { "BAD_INDEX", STATUS_BAD_INDEX },
    { "NO_RES", STATUS_NO_RES }, { "BAD_QP_STATE", STATUS_BAD_QP_STATE }, { "BAD_INPUT_LEN", STATUS_BAD_INPUT_LENGTH },
    { "BAD_OUTPUT_LEN", STATUS_BAD_OUTPUT_LENGTH },
};

static Faults *faults_of(Card *card)
{
    if (!card->faults) {
        card->faults = g_new0(Faults, 1);
        card->faults->set = g_array_new(false, true, sizeof(Fault));
    }
    return card->faults;
}

Health *card_health(Card *card)
{
    return &faults_of(card)->health;
}

void faults_free(Card *card)
{
    if (card->faults) {
        g_array_free(card->faults->set, true);
        g_clear_pointer(&card->faults, g_free);
    }
}

/* ---- what a command meets ---- */

static bool is_meant(const Fault *fault, const Function *f, unsigned opcode)
{
    const Who *who = &fault->who;
    if (fault->opcode != ALL_OPCODES && (unsigned)fault->opcode != opcode) {
        return false;
    }
    if (f->is_vf ? !who->vfs : !who->pfs) {
        return false;
    }
    return (who->port < 0 || f->port->number == who->port) && (who->vf < 0 || f->vport->number == who->vf + 1);
}

Verdict fault_for(Function *f, unsigned opcode)
{
    GArray *set = faults_of(f->card)->set;
    for (guint i = 0; i < set->len; i++) {
        Fault *fault = &g_array_index(set, Fault, i);
        if (fault->effect != FAIL || !is_meant(fault, f, opcode)) {
            continue;
        }
        Verdict verdict = { .fail = true, .status = fault->status, .syndrome = fault->syndrome };
        if (fault->times && --fault->times == 0) {
            g_array_remove_index(set, i);
        }
        return verdict;
    }
    return (Verdict) { 0 };
}

int64_t fault_delay(Function *f, unsigned opcode)
{
    GArray *set = faults_of(f->card)->set;
    int64_t delay = 0;
    for (guint i = 0; i < set->len; i++) {
        const Fault *fault = &g_array_index(set, Fault, i);
        if (fault->effect == SILENT && is_meant(fault, f, opcode)) {
            return -1;
        }
        if (fault->effect == DELAY && is_meant(fault, f, opcode)) {
            delay = MAX(delay, (int64_t)fault->milliseconds * SCALE_MS);
        }
    }
    return delay;
}

/* ---- reading the grammar ---- */

static bool number(const char *word, uint32_t most, uint32_t *to)
{
    unsigned long value;
    /* qemu_strtoul takes a sign; a number here has none. */
    if (!word || !g_ascii_isdigit(*word) || qemu_strtoul(word, NULL, 0, &value) < 0 || value > most) {
        return false;
    }
    *to = value;
    return true;
}

static bool read_status(const char *word, uint8_t *status)
{
    uint32_t value;
    for (size_t i = 0; word && i < ARRAY_SIZE(status_names); i++) {
        if (!g_ascii_strcasecmp(word, status_names[i].name)) {
            *status = status_names[i].status;
            return true;
        }
    }
    if (!number(word, 0xff, &value)) {
        return false;
    }
    *status = value;
    return true;
}

/* `vf`, `pf`, `pf1`, `pf1vf3` */
static bool read_who(const char *word, Who *who)
{
    unsigned port, vf;
    int end = 0;
    if (!strcmp(word, "pf") || !strcmp(word, "vf")) {
        who->pfs = *word == 'p';
        who->vfs = *word == 'v';
        return true;
    }
    if (sscanf(word, "pf%1uvf%3u%n", &port, &vf, &end) == 2 && !word[end] && port < PORTS && vf < MAX_VFS) {
        *who = (Who) { .vfs = true, .port = port, .vf = vf };
        return true;
    }
    end = 0;
    if (sscanf(word, "pf%1u%n", &port, &end) == 1 && end && !word[end] && port < PORTS) {
        *who = (Who) { .pfs = true, .port = port, .vf = -1 };
        return true;
    }
    return false;
}

/* `OPCODE[@WHO]`, `*` for all opcodes */
static bool read_opcode(char *word, Fault *fault)
{
    char *at = word ? strchr(word, '@') : NULL;
    fault->who = (Who) { .pfs = true, .vfs = true, .port = -1, .vf = -1 };
    if (!word) {
        return false;
    }
    if (at) {
        *at = 0;
        if (!read_who(at + 1, &fault->who)) {
            return false;
        }
    }
    fault->opcode = strcmp(word, "*") ? opcode_named(word) : ALL_OPCODES;
    return fault->opcode >= 0 || !strcmp(word, "*");
}

/* The words after `fail OPCODE`: STATUS [SYNDROME] [xN] */
static bool read_failure(char **words, Fault *fault)
{
    if (!read_status(words[0], &fault->status) || fault->status == STATUS_OK) {
        return false;
    }
    words++;
    if (*words && **words != 'x' && number(*words, UINT32_MAX, &fault->syndrome)) {
        words++;
    }
    if (*words && **words == 'x' && number(*words + 1, UINT32_MAX, &fault->times) && fault->times) {
        words++;
    }
    return !*words;
}

static bool read_words(char **words, unsigned count, Fault *fault)
{
    uint32_t value = 0;
    if (!strcmp(words[0], "fail")) {
        fault->effect = FAIL;
        return read_opcode(words[1], fault) && read_failure(words + 2, fault);
    }
    if (!strcmp(words[0], "delay")) {
        fault->effect = DELAY;
        return count == 3 && read_opcode(words[1], fault) && number(words[2], MAX_DELAY_MS, &fault->milliseconds);
    }
    if (!strcmp(words[0], "silent")) {
        char all[] = "*";
        fault->effect = SILENT;
        return count <= 2 && read_opcode(count == 2 ? words[1] : all, fault);
    }
    if (!strcmp(words[0], "health")) {
        fault->effect = HEALTH;
        fault->fatal = count == 3 && !strcmp(words[2], "fatal");
        return (count == 2 || fault->fatal) && number(words[1], 0xff, &fault->syndrome);
    }
    if (!strcmp(words[0], "unplug") || !strcmp(words[0], "plug")) {
        bool good = count == 2 && number(words[1], PORTS - 1, &value);
        fault->effect = *words[0] == 'u' ? UNPLUG : PLUG;
        fault->port = value;
        return good;
    }
    fault->effect = !strcmp(words[0], "nopages") ? NO_PAGES : !strcmp(words[0], "remove") ? REMOVE : CLEAR;
    return count == 1 && (fault->effect != CLEAR || !strcmp(words[0], "clear"));
}

/* ---- surprise removal ---- */

/* Shows the slot's port a card or an empty slot, as the hardware's presence pins do, and asks its driver to look. */
static void show_presence(PCIDevice *port, bool present)
{
    if (!port || !port->exp.exp_cap) {
        return;
    }
    uint8_t *cap = port->config + port->exp.exp_cap;
    if (present) {
        pci_word_test_and_set_mask(cap + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDS);
        pci_word_test_and_set_mask(cap + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_DLLLA);
    } else {
        pci_word_test_and_clear_mask(cap + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDS);
        pci_word_test_and_clear_mask(cap + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_DLLLA);
    }
    if (pci_get_long(cap + PCI_EXP_SLTCAP) & PCI_EXP_SLTCAP_HPC) {
        /* QEMU's ports let nobody clear the bit for the link's change, so there is none. */
        pci_word_test_and_set_mask(cap + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDC);
        /* Writing the register what it has makes QEMU look whether an interrupt is due (pcie.c, pcie_cap_slot_write_config). */
        PCI_DEVICE_GET_CLASS(port)->config_write(port, port->exp.exp_cap + PCI_EXP_SLTCTL, pci_get_word(cap + PCI_EXP_SLTCTL), 2);
    }
}

/* A card that is put in again begins as at power-on. */
static void remove_card(Card *card, bool removed)
{
    bool changed = false;
    for (int p = 0; p < PORTS; p++) {
        for (unsigned v = 0; v <= MAX_VFS; v++) {
            Function *f = function_of_vport(&card->ports[p], v);
            if (!f || f->removed == removed) {
                continue;
            }
            f->removed = removed;
            changed = true;
            if (!removed && !f->is_vf) {
                device_cold_reset(DEVICE(f));
            }
        }
    }
    if (changed) {
        show_presence(pci_bridge_get_device(card->bus), !removed);
    }
}

/* ---- firmware falls over ---- */

/* When it runs again it knows of nothing: a driver that recovers begins with ENABLE_HCA and does not undo what was before. */
static void lose_everything(Card *card)
{
    for (int p = 0; p < PORTS; p++) {
        for (unsigned v = 0; v <= MAX_VFS; v++) {
            Function *f = function_of_vport(&card->ports[p], v);
            if (f) {
                function_forget(f);
                f->pending = 0;
            }
            card->ports[p].vports[v].hca_enabled = v == 0;      /* vport_init() */
            pages_reset(&card->ports[p].vports[v]);
        }
    }
}

/* ---- the property ---- */

static void plug(Port *port, bool unplugged)
{
    if (port->unplugged != unplugged) {
        port->unplugged = unplugged;
        port_event(port);
    }
}

static void apply(Card *card, const Fault *fault)
{
    Faults *faults = faults_of(card);
    switch (fault->effect) {
    case FAIL:
    case DELAY:
    case SILENT:
        g_array_append_val(faults->set, *fault);
        break;
    case HEALTH:
        faults->health.syndrome = fault->syndrome;
        faults->health.fatal = fault->fatal;
        if (fault->fatal) {
            lose_everything(card);
        }
        break;
    case NO_PAGES:
        faults->health.no_pages = true;
        break;
    case UNPLUG:
    case PLUG:
        plug(&card->ports[fault->port], fault->effect == UNPLUG);
        break;
    case REMOVE:
        remove_card(card, true);
        break;
    case CLEAR:
        g_array_set_size(faults->set, 0);
        faults->health = (Health) { 0 };
        for (int i = 0; i < PORTS; i++) {
            plug(&card->ports[i], false);
        }
        remove_card(card, false);
        break;
    }
    /* Firmware that answers nobody does not count either: the driver sees its health counter stand still. */
    faults->health.frozen = faults->health.fatal;
    for (guint i = 0; i < faults->set->len; i++) {
        const Fault *other = &g_array_index(faults->set, Fault, i);
        faults->health.frozen |= other->effect == SILENT && other->opcode == ALL_OPCODES && other->who.pfs && other->who.vfs;
    }
}

bool fault_set(Card *card, const char *text, Error **errp)
{
    g_auto(GStrv) settings = g_strsplit_set(text, ";\n", -1);
    g_autoptr(GArray) faults = g_array_new(false, true, sizeof(Fault));
    for (char **setting = settings; *setting; setting++) {
        g_auto(GStrv) words = g_strsplit_set(g_strstrip(*setting), " \t", -1);
        Fault fault = { 0 };
        unsigned count = 0;
        /* Several blanks between words are one. */
        for (char **w = words; *w; w++) {
            char *word = *w;
            if (*word) {
                words[count++] = word;
            } else {
                g_free(word);
            }
        }
        words[count] = NULL;
        if (!count) {
            continue;
        }
        g_autofree char *shown = g_strjoinv(" ", words);
        if (!read_words(words, count, &fault)) {
            error_setg(errp, "connectx: fault '%.100s' is not understood", shown);
            error_append_hint(errp, "fail OPCODE[@vf|@pf|@pf1|@pf1vf3] STATUS [SYNDROME] [xN]; delay OPCODE[@...] MS; "
                "silent [OPCODE[@...]]; health SYNDROME [fatal]; nopages; unplug PORT; plug PORT; remove; clear\n");
            return false;
        }
        g_array_append_val(faults, fault);
    }
    if (faults->len + faults_of(card)->set->len > MAX_FAULTS) {
        error_setg(errp, "connectx: more than %d faults at once", MAX_FAULTS);
        return false;
    }
    for (guint i = 0; i < faults->len; i++) {
        apply(card, &g_array_index(faults, Fault, i));
    }
    return true;
}

static void append_target(GString *text, const Fault *fault)
{
    const Who *who = &fault->who;
    g_string_append(text, fault->opcode == ALL_OPCODES ? "*" : opcode_name(fault->opcode));
    if (who->port >= 0 && who->vf >= 0) {
        g_string_append_printf(text, "@pf%dvf%d", who->port, who->vf);
    } else if (who->port >= 0) {
        g_string_append_printf(text, "@pf%d", who->port);
    } else if (who->pfs != who->vfs) {
        g_string_append(text, who->pfs ? "@pf" : "@vf");
    }
}

char *fault_text(Card *card)
{
    Faults *faults = faults_of(card);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < faults->set->len; i++) {
        const Fault *fault = &g_array_index(faults->set, Fault, i);
        g_string_append(text, fault->effect == FAIL ? "fail " : fault->effect == DELAY ? "delay " : "silent ");
        append_target(text, fault);
        if (fault->effect == FAIL) {
            g_string_append_printf(text, " 0x%x 0x%x", fault->status, fault->syndrome);
            if (fault->times) {
                g_string_append_printf(text, " x%u", fault->times);
            }
        } else if (fault->effect == DELAY) {
            g_string_append_printf(text, " %u", fault->milliseconds);
        }
        g_string_append_c(text, '\n');
    }
    if (faults->health.syndrome || faults->health.fatal) {
        g_string_append_printf(text, "health 0x%x%s\n", faults->health.syndrome, faults->health.fatal ? " fatal" : "");
    }
    if (faults->health.no_pages) {
        g_string_append(text, "nopages\n");
    }
    if (card->ports[0].pf && card->ports[0].pf->removed) {
        g_string_append(text, "remove\n");
    }
    for (int i = 0; i < PORTS; i++) {
        if (card->ports[i].unplugged) {
            g_string_append_printf(text, "unplug %d\n", i);
        }
    }
    return g_string_free(text, false);
}
