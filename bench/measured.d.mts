export const pipeline: string;
export const ordersJob: string;
export const shared: string;
export function requireShared(): void;
export function measured(
  args: readonly string[],
  cwd: string,
): Promise<{ seconds: number; cpu: number; peak: number; written: number; output: string }>;
export function median(numbers: readonly number[]): number;
export function spread(numbers: readonly number[]): string;
export function count(number: number): string;
