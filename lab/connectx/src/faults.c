/*
 * What the operator of a lab makes fail, wait or break while the card runs: the property `fault` of the card's first function.
 * Its grammar is in README.md. A text is read as a whole before any of it counts: a mistake in the last setting changes nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "faults.h"
#include "qapi/error.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pcie.h"

Faults *faults_of(Card *card)
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
    g_autoptr(GArray) faults = g_array_new(false, true, sizeof(Fault));
    if (!faults_read(text, faults, errp)) {
        return false;
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
