import "./styles.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api/queries";
import { Frame } from "./frame/Frame";
import { listenForKeys } from "./frame/keys";
import { Gate } from "./rooms/login/Gate";

listenForKeys();
const root = document.getElementById("page");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <Gate>
          <Frame />
        </Gate>
      </QueryClientProvider>
    </StrictMode>,
  );
}
