// Authenticators (WebAuthn): registering one, and having it sign an answer before the form goes. Without it, or without
// an authenticator, the form goes unsigned and the server says what it thinks of that.
"use strict";
{
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (credentials) => (credentials ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

  function tell(form, words, bad = false, link = "") {
    const place = form.querySelector("[data-told]");
    place.textContent = words;
    place.className = `said ${bad ? "bad" : "wait"}`;
    place.hidden = false;
    if (!link) return;
    const again = document.createElement("a");
    again.href = link;
    again.textContent = "Sign in again";
    place.append(" ", again);
  }

  // the options that the server makes of what is in the form; null once it has said why there are none
  async function asked(form, path, fields) {
    const answer = await fetch(path, { method: "POST", body: fields });
    const found = await answer.json();
    if (answer.ok) return found;
    tell(form, found.message ?? "That did not work.", true, found.again);
    return null;
  }

  async function registration(options) {
    const user = { ...options.user, id: bytes(options.user.id) };
    const excludeCredentials = listed(options.excludeCredentials);
    const made = await navigator.credentials.create({ publicKey: { ...options, challenge: bytes(options.challenge), user, excludeCredentials } });
    const response = { clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject) };
    return { id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {} };
  }

  async function assertion(options) {
    const allowCredentials = listed(options.allowCredentials);
    const made = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials } });
    const { clientDataJSON, authenticatorData, signature } = made.response;
    const response = { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature) };
    return { id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {} };
  }

  // sends the form once the authenticator has done its part, with what it made as `field`
  function before(form, path, field, make) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!window.PublicKeyCredential) {
        tell(form, "This browser has no way to reach an authenticator, or the page does not come over https.", true);
        return;
      }
      const fields = new URLSearchParams(new FormData(form));
      if (event.submitter?.name) fields.set(event.submitter.name, event.submitter.value);
      const buttons = [...form.querySelectorAll("button")];
      for (const button of buttons) button.disabled = true;
      tell(form, "Your authenticator asks you now.");
      try {
        const options = await asked(form, path, fields);
        if (options === null) return;
        fields.set(field, JSON.stringify(await make(options)));
        for (const name of [field, event.submitter?.name].filter(Boolean)) {
          form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value: fields.get(name) }));
        }
        form.submit();
      } catch (error) {
        const known = error.name === "InvalidStateError" ? "This authenticator is registered already." : "Nothing was signed: it was cancelled, took too long, or the authenticator is not one of yours.";
        tell(form, known, true);
      } finally {
        for (const button of buttons) button.disabled = false;
        event.submitter?.focus();
      }
    });
  }

  for (const form of document.querySelectorAll("form[data-register]")) before(form, form.dataset.register, "response", registration);
  for (const form of document.querySelectorAll("form[data-sign]")) before(form, form.dataset.sign, "assertion", assertion);
}
