"use strict";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const followTheSystem = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
followTheSystem();
dark.addEventListener("change", followTheSystem);

const place = document.getElementById("swagger-ui");
SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  tryItOutEnabled: true,
  // Tokens stay out of the browser's storage.
  persistAuthorization: false,
  defaultModelsExpandDepth: 0,
});
