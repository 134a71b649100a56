/** Where the tasks of a plan stand in a picture: each right of all that it needs, near to it. */
import type { TaskInfo } from "../../protocol";

export interface Placed {
  task: TaskInfo;
  layer: number;
  row: number;
}

export function layers(tasks: TaskInfo[]): Placed[] {
  const known = new Map(tasks.map((task) => [task.id, task]));
  const depth = new Map<string, number>();
  const depthOf = (task: TaskInfo): number => {
    const found = depth.get(task.id);
    if (found !== undefined) return found;
    // The server refuses a plan that goes in a circle; were there one, this ends all the same.
    depth.set(task.id, 0);
    const needed = task.needs.map((id) => known.get(id)).filter((one) => one !== undefined);
    const own = needed.length ? 1 + Math.max(...needed.map(depthOf)) : 0;
    depth.set(task.id, own);
    return own;
  };
  const columns: TaskInfo[][] = [];
  for (const task of tasks) (columns[depthOf(task)] ??= []).push(task);

  const rows = new Map<string, number>();
  return columns.flatMap((column, layer) => {
    const weight = (task: TaskInfo): number => {
      const above = task.needs.map((id) => rows.get(id)).filter((row) => row !== undefined);
      return above.length ? above.reduce((sum, row) => sum + row, 0) / above.length : 0;
    };
    const sorted = column.toSorted((one, other) => weight(one) - weight(other));
    sorted.forEach((task, row) => rows.set(task.id, row));
    return sorted.map((task, row) => ({ task, layer, row }));
  });
}
