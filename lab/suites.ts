import { ansible } from "./ansible.ts";
import { boots } from "./boots.ts";
import { conformance, netlink } from "./conformance.ts";
import { faults } from "./faults.ts";
import { firmware } from "./firmware.ts";
import { held } from "./held.ts";
import { kernels } from "./kernels.ts";
import { kills } from "./kills.ts";
import { manyVfs } from "./many-vfs.ts";
import { ovs } from "./ovs.ts";
import { packaged } from "./packaged.ts";
import { power } from "./power.ts";
import { randomHosts } from "./random-hosts.ts";
import { stories } from "./stories.ts";
import type { Task } from "./task.ts";
import { storyTask } from "./transcript.ts";
import { watches } from "./watch.ts";

/**
 * What is seen in guests, in two suites: `kernel`, vflag on a real kernel from power-on to packets in
 * hardware; `deployment`, how it comes to hypervisors and stays there. The longest come first, so that none
 * is left alone at the end; and a guest with igb beside them, whose snapshot is another.
 */
export const suites = {
  kernel: (publishes: boolean): Task[] => [
    ...power,
    conformance("igb"),
    ...ovs,
    ...boots,
    ...kills,
    ...faults,
    conformance("connectx"),
    ...firmware,
    ...held,
    ...manyVfs,
    ...randomHosts,
    ...stories.map((story) => storyTask(story, publishes)),
    netlink,
    ...kernels,
  ],
  deployment: (): Task[] => [...ansible, ...packaged, ...watches],
} as const;

export type Suite = keyof typeof suites;

export function isSuite(name: string): name is Suite {
  return Object.hasOwn(suites, name);
}
