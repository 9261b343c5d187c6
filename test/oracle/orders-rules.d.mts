export type OrdersOutput = "processed" | "late" | "aggregations" | "dlq";

export function comparable(output: OrdersOutput, line: string): string;

export class OrdersRules {
  readonly counts: ReadonlyMap<string, number>;
  constructor(emit: (output: OrdersOutput, line: string) => void, lanes?: number);
  line(bytes: Uint8Array, lane?: number): void;
  end(): void;
}
