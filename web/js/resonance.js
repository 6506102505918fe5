import { app } from "../../../scripts/app.js";
import "../../../scripts/api.js";
// src/main.ts
app.registerExtension({ name: "resonance" });
