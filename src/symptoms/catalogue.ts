import { cardSymptoms } from "./cards.ts";
import { eswitchSymptoms } from "./eswitch.ts";
import { lagSymptoms } from "./lag.ts";
import { ovsSymptoms } from "./openvswitch.ts";
import type { Symptom } from "./symptom.ts";
import { vfSymptoms } from "./virtual-functions.ts";

/** All symptoms that vflag knows. Of two whose patterns match one line, the earlier says more. */
export const symptoms: readonly Symptom[] = [
  ...lagSymptoms,
  ...eswitchSymptoms,
  ...vfSymptoms,
  ...cardSymptoms,
  ...ovsSymptoms,
];

/** The symptom with this id. */
export function symptomById(id: string): Symptom | undefined {
  return symptoms.find((symptom) => symptom.id === id);
}

/** The symptom that says most of a text, such as a refusal that names lines of the kernel log. */
export function symptomIn(text: string): Symptom | undefined {
  const found = symptoms.filter(({ patterns }) => patterns.some((pattern) => pattern.test(text)));
  return found.find(({ partOf = [] }) => !found.some(({ id }) => partOf.includes(id)));
}
