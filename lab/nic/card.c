// SPDX-License-Identifier: GPL-2.0
/* Cards: which PFs belong together, share a switch id and may form a LAG. */
#include "nic.h"

static DEFINE_MUTEX(cards_lock);
static LIST_HEAD(cards);

/*
 * Of QEMU's nvme function there can be only one in a slot, as its VFs follow it at once, so the second
 * port of such a card is in slot 16.
 */
#define SECOND_PORT_SLOT 16

int nic_port_number(struct pci_dev *pdev)
{
	return PCI_SLOT(pdev->devfn) == SECOND_PORT_SLOT ? 1 : PCI_FUNC(pdev->devfn);
}

static unsigned int slot_of(struct pci_dev *pdev)
{
	return PCI_SLOT(pdev->devfn) % SECOND_PORT_SLOT;
}

/* The functions in one PCI slot are one card. */
struct nic_card *nic_card_get(struct nic_func *pf)
{
	struct pci_dev *pdev = pf->pdev;
	struct nic_card *card;

	mutex_lock(&cards_lock);
	list_for_each_entry(card, &cards, list)
		if (card->domain == pci_domain_nr(pdev->bus) && card->bus == pdev->bus->number &&
		    card->slot == slot_of(pdev))
			goto found;
	card = kzalloc(sizeof(*card), GFP_KERNEL);
	if (!card)
		goto out;
	card->domain = pci_domain_nr(pdev->bus);
	card->bus = pdev->bus->number;
	card->slot = slot_of(pdev);
	mutex_init(&card->lock);
	memcpy(card->switch_id, "\x98\x03\x9b\x03\x00\x2c", 6);
	card->switch_id[6] = card->bus;
	card->switch_id[7] = card->slot;
	if (nic_lag_create(card)) {
		kfree(card);
		card = NULL;
		goto out;
	}
	list_add_tail(&card->list, &cards);
found:
	card->users++;
	card->pf[pf->index] = pf;
out:
	mutex_unlock(&cards_lock);
	return card;
}

void nic_card_put(struct nic_func *pf)
{
	struct nic_card *card = pf->card;

	mutex_lock(&cards_lock);
	card->pf[pf->index] = NULL;
	if (!--card->users) {
		list_del(&card->list);
		nic_lag_destroy(card);
		kfree(card);
	}
	mutex_unlock(&cards_lock);
}
