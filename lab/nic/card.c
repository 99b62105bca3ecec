// SPDX-License-Identifier: GPL-2.0
/* Cards: which PFs belong together, share a switch id and may form a LAG. */
#include "nic.h"

static DEFINE_MUTEX(cards_lock);
static LIST_HEAD(cards);

/* The functions in one PCI slot are one card. */
struct nic_card *nic_card_get(struct nic_func *pf)
{
	struct pci_dev *pdev = pf->pdev;
	struct nic_card *card;

	mutex_lock(&cards_lock);
	list_for_each_entry(card, &cards, list)
		if (card->domain == pci_domain_nr(pdev->bus) && card->bus == pdev->bus->number &&
		    card->slot == PCI_SLOT(pdev->devfn))
			goto found;
	card = kzalloc(sizeof(*card), GFP_KERNEL);
	if (!card)
		goto out;
	card->domain = pci_domain_nr(pdev->bus);
	card->bus = pdev->bus->number;
	card->slot = PCI_SLOT(pdev->devfn);
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
