import type { Action, Reload } from "./action.ts";

/**
 * The same actions, with systemd and udev each told once, after the last of their files, and not after each:
 * systemd runs all its generators every time. To enable a unit reads its file, whether systemd has read it or
 * not. Where the last of them fails or is never reached, nobody is told until the next boot, which these
 * files are for. Source: systemctl(1), enable, disable and --no-reload; daemon-reload.
 */
export function reloadingOnce(actions: readonly Action[]): Action[] {
  const last = new Map<Reload | null, Action>(actions.map((action) => [readerOf(action), action]));
  return actions.map((action) => (last.get(readerOf(action)) === action ? action : withoutReload(action)));
}

/** Who is told by this action that a file has changed. */
function readerOf(action: Action): Reload | null {
  if (!("reload" in action)) return null;
  // Units are systemd's.
  return typeof action.reload === "boolean" ? (action.reload ? "systemd" : null) : action.reload;
}

function withoutReload(action: Action): Action {
  if (!("reload" in action)) return action;
  return typeof action.reload === "boolean" ? { ...action, reload: false } : { ...action, reload: null };
}
