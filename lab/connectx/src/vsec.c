/*
 * The tools' window: a vendor specific capability in configuration space, through which programs like mstconfig reach the
 * chip's address spaces. Layout and protocol: mstflint mtcr_ul/mtcr_ul_com.c, the driver's lib/pci_vsc.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "window.h"

#define WINDOW_SIZE 0x18
enum { CONTROL = 4, COUNTER = 8, SEMAPHORE = 12, ADDRESS = 16, DATA = 20 };
enum { SPACE_ICMD_EXT = 1, SPACE_CR = 2, SPACE_ICMD = 3, SPACE_SEMAPHORE = 10 };
#define STATUS_SUPPORTED (1u << 29)
/* Set by who writes: write the data. Set by the card: the data was read. */
#define FLAG (1u << 31)
#define SYNDROME (1u << 30)
#define ADDRESS_MASK 0x3fffffffu

/* In the chip's own space: its hardware id (mtcr_ul_icmd_cif.c, HW_ID_ADDR). What else is asked there reads as 0. */
#define CR_HARDWARE_ID 0xf0014

static const uint16_t hardware_ids[MODELS] = { [CX5] = 0x20d, [CX6DX] = 0x212, [CX7] = 0x218 };

uint16_t hardware_id(const Card *card)
{
    return hardware_ids[card->model];
}

static bool space_is_known(unsigned space)
{
    return space == SPACE_ICMD_EXT || space == SPACE_CR || space == SPACE_ICMD || space == SPACE_SEMAPHORE;
}

static uint32_t space_read(Function *f, unsigned space, uint32_t address)
{
    switch (space) {
    case SPACE_CR:
        return address == CR_HARDWARE_ID ? hardware_id(f->card) : 0;
    case SPACE_SEMAPHORE:
        return f->window->semaphore;
    default:
        return icmd_read(f, address);
    }
}

static void space_write(Function *f, unsigned space, uint32_t address, uint32_t value)
{
    switch (space) {
    case SPACE_CR:
        break;                                  /* nobody but firmware writes there */
    case SPACE_SEMAPHORE:
        /* Whoever reads his own number back has it. */
        if (value == 0 || f->window->semaphore == 0) {
            f->window->semaphore = value;
        }
        break;
    default:
        icmd_write(f, address, value);
    }
}

static void address_written(Function *f, uint8_t *cap, uint32_t value)
{
    unsigned space = pci_get_word(cap + CONTROL);
    if (!space_is_known(space)) {
        pci_set_long(cap + ADDRESS, (value ^ FLAG) | SYNDROME);
    } else if (value & FLAG) {
        space_write(f, space, value & ADDRESS_MASK, pci_get_long(cap + DATA));
        pci_set_long(cap + ADDRESS, value & ADDRESS_MASK);
    } else {
        pci_set_long(cap + DATA, space_read(f, space, value & ADDRESS_MASK));
        pci_set_long(cap + ADDRESS, (value & ADDRESS_MASK) | FLAG);
    }
}

bool window_write(Function *pf, uint32_t address, uint32_t value, int length)
{
    uint8_t *cap = pf->parent_obj.config + VSEC;
    if (address + length <= VSEC + CONTROL || address >= VSEC + WINDOW_SIZE) {
        return false;
    }
    if (length != 4 || address & 3) {
        return true;                            /* a register is written whole or not at all */
    }
    switch (address - VSEC) {
    case CONTROL:
        pci_set_long(cap + CONTROL, (value & 0xffff) | (space_is_known(value & 0xffff) ? STATUS_SUPPORTED : 0));
        break;
    case SEMAPHORE:
        if (value == 0 || pci_get_long(cap + SEMAPHORE) == 0) {
            pci_set_long(cap + SEMAPHORE, value);
            /* Never 0, which would give the semaphore back. */
            pci_set_long(cap + COUNTER, MAX(pci_get_long(cap + COUNTER) + 1, 1));
        }
        break;
    case ADDRESS:
        address_written(pf, cap, value);
        break;
    case DATA:
        pci_set_long(cap + DATA, value);
        break;
    }
    return true;
}

void window_init(Function *pf, Error **errp)
{
    PCIDevice *d = &pf->parent_obj;
    if (pci_add_capability(d, PCI_CAP_ID_VNDR, VSEC, WINDOW_SIZE, errp) < 0) {
        return;
    }
    d->config[VSEC + 2] = WINDOW_SIZE;
    /* A snapshot may be restored at any moment of the protocol. */
    memset(d->cmask + VSEC + CONTROL, 0, WINDOW_SIZE - CONTROL);
    pf->window = g_new0(Window, 1);
    window_reset(pf);
}

void window_reset(Function *pf)
{
    uint8_t *cap = pf->parent_obj.config + VSEC;
    if (pf->window) {
        memset(pf->window, 0, sizeof(*pf->window));
        memset(cap + CONTROL, 0, WINDOW_SIZE - CONTROL);
        pci_set_long(cap + COUNTER, 1);
    }
}

void window_exit(Function *pf)
{
    g_clear_pointer(&pf->window, g_free);
}
