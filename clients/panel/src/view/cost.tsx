/** What the run took of whom, and where it is held. */
import type { PageInfo } from "../../../protocol";
import { many } from "./marks";

export function Cost({ page }: { page: PageInfo }) {
  const { spent, run } = page;
  const most = Math.max(1, ...spent.map((one) => one.tokens));
  return (
    <>
      {page.size && <p>{page.size}</p>}
      {spent.length > 0 ? (
        <div className="overflow-x-auto">
          <table className="w-full max-w-3xl border-collapse text-left tabular-nums">
            <caption className="heading pb-1 text-left">Spent, the dearest first</caption>
            <thead className="text-quiet">
              <tr>
                {["Role and model", "Calls", "Tokens", "Cost"].map((name) => (
                  <th key={name} scope="col" className="border-b border-line py-1 pr-3 font-normal">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {spent.map((one) => (
                <tr key={`${one.role} ${one.model}`} className="border-b border-line">
                  <th scope="row" className="py-1 pr-3 font-normal">
                    {one.role}
                    <span className="block font-mono text-[12px] text-quiet wrap-anywhere">{one.model}</span>
                  </th>
                  <td className="pr-3">{one.calls}</td>
                  <td className="pr-3">
                    {one.tokens.toLocaleString("en")}
                    <progress aria-label={`Tokens of ${one.role}`} max={most} value={one.tokens} className="progress max-w-32" />
                  </td>
                  <td>{one.cost}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p className="text-quiet">No model has been asked yet.</p>
      )}
      <p className="text-quiet">
        {many(run.modelCalls, "call")}, {many(run.tokens, "token")}. {run.tier}
      </p>
    </>
  );
}
