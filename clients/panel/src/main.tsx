import "./nonce";
import "./styles.css";
import { createRoot } from "react-dom/client";
import { webview } from "./channel";
import { Panel } from "./panel";
import { App } from "./view/app";

const root = document.getElementById("root");
if (!root) throw new Error("The host gives an element with the id root.");
createRoot(root).render(<App panel={new Panel(webview())} />);
