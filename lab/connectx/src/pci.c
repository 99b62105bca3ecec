/*
 * The PCI functions: configuration space, SR-IOV, properties, reset, removal; and the card that they make up.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "card.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "qom/object.h"
#include "qemu/module.h"

#define VENDOR 0x15b3
#define CAP_MSIX 0x9c
#define CAP_EXPRESS 0x60
#define CAP_POWER 0x40
#define MSIX_TABLE 0x2000
#define MSIX_PBA 0x3000
#define EXT_AER 0x100
#define EXT_ARI 0x150
#define EXT_ACS 0x160
#define EXT_SRIOV 0x180
#define BAR_TYPE (PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH)
#define DEFAULT_VFS 8

bool card_log;

OBJECT_DECLARE_SIMPLE_TYPE(Function, CONNECTX)

/* ---- who is who ---- */

Function *function_of_vport(Port *port, unsigned number)
{
    return number == 0 ? port->pf : number <= MAX_VFS ? port->vf[number - 1] : NULL;
}

Vport *vport_numbered(Port *port, unsigned number)
{
    return number == UPLINK ? &port->uplink : number <= port->card->total_vfs ? &port->vports[number] : NULL;
}

Port *port_of_vhca(Card *card, unsigned vhca)
{
    for (int i = 0; i < PORTS; i++) {
        if (card->ports[i].pf && card->ports[i].pf->vhca == vhca) {
            return &card->ports[i];
        }
    }
    return NULL;
}

bool any_vf_is_driven(const Port *port)
{
    for (unsigned i = 0; i < MAX_VFS; i++) {
        if (vf_is_driven(port->vf[i])) {
            return true;
        }
    }
    return false;
}

/* ---- cards: both functions of a slot share one ---- */

static GPtrArray *cards;

static Card *card_on(PCIBus *bus)
{
    for (guint i = 0; cards && i < cards->len; i++) {
        Card *card = g_ptr_array_index(cards, i);
        if (card->bus == bus) {
            return card;
        }
    }
    return NULL;
}

static uint64_t guid_of(const uint8_t *mac)
{
    return (uint64_t)mac[0] << 56 | (uint64_t)mac[1] << 48 | (uint64_t)mac[2] << 40 | 0x030000ull << 16 | (uint64_t)(mac[3] << 16 | mac[4] << 8 | mac[5]);
}

static Card *card_new(Function *f, Error **errp)
{
    const char *name = f->model_name ? f->model_name : model_names[CX6DX];
    int model = 0;
    while (model < MODELS && strcmp(name, model_names[model])) {
        model++;
    }
    if (model == MODELS) {
        error_setg(errp, "connectx: model '%s': it is cx5, cx6dx or cx7", name);
        return NULL;
    }
    Card *card = g_new0(Card, 1);
    card->bus = pci_get_bus(&f->parent_obj);
    card->model = model;
    card->shared_fdb = f->shared_fdb;
    card->system_image_guid = guid_of(f->conf.macaddr.a);
    card->resources = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    card->ids = g_hash_table_new(NULL, NULL);
    for (int p = 0; p < PORTS; p++) {
        for (unsigned v = 0; v <= MAX_VFS; v++) {
            card->ports[p].vports[v].pages = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        }
        card->ports[p].card = card;
        card->ports[p].number = p;
    }
    settings_init(card, f->settings_file, f->num_of_vfs, errp);
    card->total_vfs = MIN(settings_total_vfs(card), MAX_VFS);
    if (!cards) {
        cards = g_ptr_array_new();
    }
    g_ptr_array_add(cards, card);
    return card;
}

/* ---- what PFs and VFs have in common ---- */

static void function_init(Function *f, Error **errp)
{
    PCIDevice *d = &f->parent_obj;
    uint16_t link = 4 | 16 << 4;                /* 16 GT/s, 16 lanes */
    f->cap = g_malloc0(CAP_TYPES * sizeof(f->cap[0]));
    memory_region_init_io(&f->bar, OBJECT(d), &bar_ops, f, f->name, f->is_vf ? VF_BAR_SIZE : PF_BAR_SIZE);
    if (f->is_vf) {
        pcie_sriov_vf_register_bar(d, 0, &f->bar);
    } else {
        pci_register_bar(d, 0, BAR_TYPE, &f->bar);
    }
    if (msix_init(d, function_vectors(f), &f->bar, 0, MSIX_TABLE, &f->bar, 0, MSIX_PBA, CAP_MSIX, errp)) {
        return;
    }
    for (unsigned i = 0; i < function_vectors(f); i++) {
        msix_vector_use(d, i);
    }
    pcie_endpoint_cap_init(d, CAP_EXPRESS);
    pci_set_word(d->config + CAP_EXPRESS + PCI_EXP_LNKCAP, link);
    pci_set_word(d->config + CAP_EXPRESS + PCI_EXP_LNKSTA, link);
    pci_set_word(d->config + CAP_EXPRESS + PCI_EXP_LNKCAP2, 0x1e);
    pci_set_word(d->config + CAP_EXPRESS + PCI_EXP_LNKCTL2, 4);
    pcie_cap_flr_init(d);
    pcie_aer_init(d, 1, EXT_AER, 0x40, errp);
    pcie_ari_init(d, EXT_ARI);
    /* pcie_acs_init() takes a VF in function 0 of a slot for a port's. */
    pcie_add_capability(d, PCI_EXT_CAP_ID_ACS, PCI_ACS_VER, EXT_ACS, PCI_ACS_SIZEOF);
    command_init(f);
    capabilities_init(f);
}

static void pf_realize(PCIDevice *d, Error **errp)
{
    ERRP_GUARD();
    Function *f = CONNECTX(d);
    unsigned number = PCI_FUNC(d->devfn);
    if (number >= PORTS || PCI_SLOT(d->devfn) != 0) {
        error_setg(errp, "connectx: a card's ports are functions 0 and 1 of slot 0, not %02x.%x", PCI_SLOT(d->devfn), number);
        return;
    }
    qemu_macaddr_default_if_unset(&f->conf.macaddr);
    f->card = card_on(pci_get_bus(d));
    if (!f->card) {
        if (number != 0) {
            error_setg(errp, "connectx: name function 0 of the card first");
            return;
        }
        f->card = card_new(f, errp);
        if (*errp) {
            return;
        }
    }
    Card *card = f->card;
    Port *p = &card->ports[number];
    snprintf(f->name, sizeof(f->name), "pf%u", number);
    f->port = p;
    f->vport = &p->vports[0];
    f->vhca = number;
    p->card = card;
    p->number = number;
    p->pf = f;
    for (unsigned i = 0; i <= MAX_VFS; i++) {
        vport_init(&p->vports[i], p, i);
    }
    vport_init(&p->uplink, p, UPLINK);
    port_init(p);
    pci_config_set_device_id(d->config, model_ids[card->model]);
    pci_set_word(d->config + PCI_SUBSYSTEM_ID, 0x0016);
    function_init(f, errp);
    if (*errp) {
        return;
    }
    if (pci_pm_init(d, CAP_POWER, errp) < 0) {
        return;
    }
    window_init(f, errp);
    if (*errp) {
        return;
    }
    wire_init(f);
    if (f->fault && number == 0 && !fault_set(card, f->fault, errp)) {
        return;
    }
    unsigned vfs = settings_port_total_vfs(card, number);
    if (vfs == 0) {
        return;
    }
    /* QEMU realizes the VFs, which look at their BAR's type, before a device can say that type (pcie_sriov.c). */
    d->exp.sriov_pf.vf_bar_type[0] = BAR_TYPE;
    unsigned first = number == 0 ? PORTS : PORTS + card->total_vfs - 1;
    if (!pcie_sriov_pf_init(d, EXT_SRIOV, TYPE_CONNECTX_VF, model_vf_ids[card->model], vfs, vfs, first, 1, errp)) {
        return;
    }
    pcie_sriov_pf_init_vf_bar(d, 0, BAR_TYPE, VF_BAR_SIZE);
}

static void vf_realize(PCIDevice *d, Error **errp)
{
    Function *f = (Function *)d, *pf = (Function *)pcie_sriov_get_pf(d);
    unsigned number = pcie_sriov_vf_number(d);
    f->is_vf = true;
    f->card = pf->card;
    f->port = pf->port;
    f->port->vf[number] = f;
    f->vport = &f->port->vports[number + 1];
    f->vhca = PORTS + f->port->number * MAX_VFS + number;
    snprintf(f->name, sizeof(f->name), "pf%dvf%u", f->port->number, number);
    function_init(f, errp);
}

static void function_exit(PCIDevice *d)
{
    Function *f = (Function *)d;
    function_forget(f);
    command_exit(f);
    if (f->is_vf) {
        f->port->vf[f->vport->number - 1] = NULL;
    } else {
        if (d->exp.sriov_cap) {
            pcie_sriov_pf_exit(d);
        }
        f->port->pf = NULL;
        qemu_del_nic(f->nic);
        window_exit(f);
    }
    msix_uninit(d, &f->bar, &f->bar);
    g_free(f->cap);
}

/* By the bus, by the function itself (FLR), by VF enable, by power-on. */
static void function_reset(Object *o, ResetType type)
{
    Function *f = (Function *)o;
    if (!f->cap || f->card->restoring) {
        return;
    }
    function_forget(f);
    command_reset(f);
    capabilities_init(f);
    msix_reset(&f->parent_obj);
    if (!f->is_vf) {
        for (unsigned i = 0; i <= MAX_VFS; i++) {
            pages_reset(&f->port->vports[i]);
            vport_init(&f->port->vports[i], f->port, i);
        }
        vport_init(&f->port->uplink, f->port, UPLINK);
        /* They outlive TEARDOWN_HCA: a reload of the driver does not name them again (mlx5_init_once). */
        memset(f->port->vxlan_ports, 0, sizeof(f->port->vxlan_ports));
        f->port->fdb_root = 0;
        f->port->fdb_root_is_other = false;
        window_reset(f);
        port_init(f->port);
        if (f->parent_obj.exp.sriov_cap) {
            pcie_sriov_pf_reset(&f->parent_obj);
        }
    }
}

static uint32_t function_config_read(PCIDevice *d, uint32_t address, int length)
{
    return ((Function *)d)->removed ? ~0u : pci_default_read_config(d, address, length);
}

static void function_config_write(PCIDevice *d, uint32_t address, uint32_t value, int length)
{
    Function *f = (Function *)d;
    if (f->removed || (!f->is_vf && window_write(f, address, value, length))) {
        return;
    }
    pci_default_write_config(d, address, value, length);
    pcie_cap_flr_write_config(d, address, value, length);
}

/* ---- properties ---- */

static char *get_fault(Object *o, Error **errp)
{
    Function *f = (Function *)o;
    return f->card ? fault_text(f->card) : g_strdup(f->fault ? f->fault : "");
}

static void set_fault(Object *o, const char *text, Error **errp)
{
    Function *f = (Function *)o;
    if (f->card) {
        fault_set(f->card, text, errp);
    } else {
        g_free(f->fault);
        f->fault = g_strdup(text);
    }
}

static char *get_resources(Object *o, Error **errp)
{
    Function *f = (Function *)o;
    return f->card ? resources_text(f->card) : g_strdup("");
}

static const Property pf_properties[] = {
    DEFINE_NIC_PROPERTIES(Function, conf),
    DEFINE_PROP_STRING("model", Function, model_name),
    DEFINE_PROP_STRING("settings", Function, settings_file),
    DEFINE_PROP_UINT32("num-of-vfs", Function, num_of_vfs, DEFAULT_VFS),
    DEFINE_PROP_BOOL("shared-fdb", Function, shared_fdb, true),
};

static void class_common(ObjectClass *c, bool pf)
{
    PCIDeviceClass *k = PCI_DEVICE_CLASS(c);
    DeviceClass *dc = DEVICE_CLASS(c);
    k->realize = pf ? pf_realize : vf_realize;
    k->exit = function_exit;
    k->config_read = function_config_read;
    k->config_write = function_config_write;
    k->vendor_id = VENDOR;
    k->device_id = model_ids[CX6DX];
    k->subsystem_vendor_id = VENDOR;
    k->subsystem_id = 0x0016;
    k->class_id = PCI_CLASS_NETWORK_ETHERNET;
    RESETTABLE_CLASS(c)->phases.hold = function_reset;
    dc->user_creatable = pf;
    dc->vmsd = pf ? &pf_vmstate : &vf_vmstate;
    set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
}

static void pf_class_init(ObjectClass *c, void *data)
{
    class_common(c, true);
    device_class_set_props(DEVICE_CLASS(c), pf_properties);
    object_class_property_add_str(c, "fault", get_fault, set_fault);
    object_class_property_add_str(c, "resources", get_resources, NULL);
}

static void vf_class_init(ObjectClass *c, void *data)
{
    class_common(c, false);
}

static InterfaceInfo interfaces[] = { { INTERFACE_PCIE_DEVICE }, { } };
static const TypeInfo types[] = {
    { .name = TYPE_CONNECTX, .parent = TYPE_PCI_DEVICE, .instance_size = sizeof(Function), .class_init = pf_class_init, .interfaces = interfaces },
    { .name = TYPE_CONNECTX_VF, .parent = TYPE_PCI_DEVICE, .instance_size = sizeof(Function), .class_init = vf_class_init, .interfaces = interfaces },
};

static void __attribute__((constructor)) begin(void)
{
    card_log = getenv("CONNECTX_LOG") != NULL;
}

DEFINE_TYPES(types)
