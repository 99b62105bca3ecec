/*
 * The text of faults, as it is set and as it is shown. Its grammar is in README.md.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "faults.h"
#include "qapi/error.h"
#include "qemu/cutils.h"

/* A delay longer than this is a mistake: the driver gives a command up after a minute (cmd.c, MLX5_CMD_TIMEOUT_MSEC). */
#define MAX_DELAY_MS 600000

/* The names that the driver prints (cmd.c, cmd_status_str). */
static const struct { const char *name; uint8_t status; } status_names[] = {
    { "OK", STATUS_OK }, { "INTERNAL_ERR", STATUS_INTERNAL }, { "BAD_OP", STATUS_BAD_OP }, { "BAD_PARAM", STATUS_BAD_PARAM },
    { "BAD_SYS_STATE", STATUS_BAD_SYS_STATE }, { "BAD_RES", STATUS_BAD_RES }, { "RES_BUSY", STATUS_RES_BUSY },
    { "LIM", STATUS_LIMIT }, { "BAD_RES_STATE", STATUS_BAD_RES_STATE }, { "BAD_INDEX", STATUS_BAD_INDEX },
    { "NO_RES", STATUS_NO_RES }, { "BAD_QP_STATE", STATUS_BAD_QP_STATE }, { "BAD_INPUT_LEN", STATUS_BAD_INPUT_LENGTH },
    { "BAD_OUTPUT_LEN", STATUS_BAD_OUTPUT_LENGTH },
};

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

bool faults_read(const char *text, GArray *faults, Error **errp)
{
    g_auto(GStrv) settings = g_strsplit_set(text, ";\n", -1);
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
    return true;
}

/* ---- showing it ---- */

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
