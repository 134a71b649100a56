/** The least that an extension can be: a lens, and a message once it is pressed. Ours is held against it. */

const vscode = require("vscode");

exports.activate = (context) => {
  const top = new vscode.Range(0, 0, 0, 0);
  const lens = new vscode.CodeLens(top, { title: "Say", command: "bare.say" });
  let said = 0;
  context.subscriptions.push(
    vscode.languages.registerCodeLensProvider({ language: "markdown" }, { provideCodeLenses: () => [lens] }),
    vscode.commands.registerCommand("bare.say", () => void vscode.window.showInformationMessage(`said ${++said}`)),
  );
};
