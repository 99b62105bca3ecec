import * as z from "zod";

/**
 * A BIOS attribute registry: what attributes a BIOS has, which values they take, and how they depend on one
 * another. Source: DMTF DSP8010, AttributeRegistry.v1_3; DSP0266, "BIOS attribute registry".
 */
export interface AttributeRegistry {
  readonly id: string;
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly dependencies: readonly Dependency[];
}

export interface Attribute {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly type: string;
  /** Of an enumeration. */
  readonly values: readonly string[];
  readonly readOnly: boolean;
  readonly grayOut: boolean;
  readonly hidden: boolean;
}

/** While the conditions hold, a property of an attribute has this value. */
export interface Dependency {
  readonly attribute: string;
  readonly property: string;
  readonly value: unknown;
  readonly conditions: readonly Condition[];
}

export interface Condition {
  /** How it joins with the one before it. */
  readonly term: "AND" | "OR";
  readonly attribute: string;
  readonly property: string;
  readonly condition: string;
  readonly value: unknown;
}

/** More are in no registry: those of Dell have about a thousand. */
const mostAttributes = 20_000;

const text = z.string().max(100_000).nullish().catch(null);
const flag = z.boolean().nullish().catch(null);

const AttributeEntry = z.object({
  AttributeName: z.string().min(1).max(1000),
  DisplayName: text,
  HelpText: text,
  Type: z.string().max(100).catch(""),
  Value: z
    .array(z.object({ ValueName: z.string().max(1000) }))
    .nullish()
    .catch(null),
  ReadOnly: flag,
  Immutable: flag,
  GrayOut: flag,
  Hidden: flag,
});

const MapFrom = z.object({
  MapTerms: z.enum(["AND", "OR"]).nullish().catch(null),
  MapFromAttribute: z.string(),
  MapFromProperty: z.string(),
  MapFromCondition: z.string(),
  MapFromValue: z.unknown(),
});

const DependencyEntry = z.object({
  Dependency: z.object({
    MapFrom: z.array(MapFrom).min(1),
    MapToAttribute: z.string(),
    MapToProperty: z.string(),
    MapToValue: z.unknown(),
  }),
});

const Registry = z.object({
  Id: z.string().max(1000).catch(""),
  RegistryEntries: z.object({
    Attributes: z.array(z.unknown()).max(mostAttributes),
    Dependencies: z.array(z.unknown()).max(mostAttributes).nullish().catch(null),
  }),
});

/**
 * Reads a registry. An entry that is not as the standard says is left out: an attribute that is not described
 * is not set.
 */
export function readRegistry(data: unknown): AttributeRegistry | { readonly problem: string } {
  const parsed = Registry.safeParse(data);
  if (!parsed.success)
    return { problem: "it is no attribute registry: RegistryEntries.Attributes is missing or too long" };
  const { Id: id, RegistryEntries: entries } = parsed.data;
  const attributes = new Map(
    entries.Attributes.flatMap((entry): [string, Attribute][] => {
      const { data: found } = AttributeEntry.safeParse(entry);
      return found === undefined ? [] : [[found.AttributeName, attributeOf(found)]];
    }),
  );
  const dependencies = (entries.Dependencies ?? []).flatMap((entry): Dependency[] => {
    const { data: found } = DependencyEntry.safeParse(entry);
    return found === undefined ? [] : [dependencyOf(found)];
  });
  return { id, attributes, dependencies };
}

function attributeOf(entry: z.infer<typeof AttributeEntry>): Attribute {
  return {
    name: entry.AttributeName,
    label: entry.DisplayName ?? entry.AttributeName,
    help: entry.HelpText ?? "",
    type: entry.Type,
    values: (entry.Value ?? []).map(({ ValueName }) => ValueName),
    readOnly: entry.ReadOnly === true || entry.Immutable === true,
    grayOut: entry.GrayOut === true,
    hidden: entry.Hidden === true,
  };
}

function dependencyOf({ Dependency: entry }: z.infer<typeof DependencyEntry>): Dependency {
  return {
    attribute: entry.MapToAttribute,
    property: entry.MapToProperty,
    value: entry.MapToValue,
    conditions: entry.MapFrom.map((from) => ({
      term: from.MapTerms ?? "AND",
      attribute: from.MapFromAttribute,
      property: from.MapFromProperty,
      condition: from.MapFromCondition,
      value: from.MapFromValue,
    })),
  };
}
