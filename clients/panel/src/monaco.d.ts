/** What Monaco has and does not declare: the algorithm that its worker would run. */
declare module "monaco-editor/editor/common/diff/defaultLinesDiffComputer/defaultLinesDiffComputer.js" {
  interface Options {
    ignoreTrimWhitespace: boolean;
    maxComputationTimeMs: number;
    computeMoves: boolean;
  }
  export class DefaultLinesDiffComputer {
    computeDiff(
      before: string[],
      after: string[],
      options: Options,
    ): { changes: readonly object[]; moves: readonly object[]; hitTimeout: boolean };
  }
}

declare module "monaco-editor/features/*/register.js";
declare module "monaco-editor/languages/definitions/*/register.js";
