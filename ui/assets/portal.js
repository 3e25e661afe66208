// What the pages do better with a script; without it they work as well.
"use strict";

// A button in each password field shows what was typed.
for (const box of document.querySelectorAll(".reveal")) {
	const input = box.querySelector("input");
	const button = document.createElement("button");
	const show = (shown) => {
		input.type = shown ? "text" : "password";
		button.setAttribute("aria-pressed", String(shown));
	};
	button.type = "button";
	button.className = "eye";
	button.setAttribute("aria-label", box.dataset.label);
	button.setAttribute("aria-pressed", "false");
	button.addEventListener("click", () => show(input.type === "password"));
	// A browser remembers what was typed into plain fields.
	input.form.addEventListener("submit", () => show(false));
	box.append(button);
}

// A form is sent once, however often its button is pressed. Fields of a form of
// the app may be named as properties of the form, so none is asked for.
let sent = new WeakSet();
document.addEventListener("submit", (event) => {
	if (sent.has(event.target)) {
		event.preventDefault();
	}
	sent.add(event.target);
});
window.addEventListener("pageshow", () => {
	sent = new WeakSet();
});

// The fragment of an address never reaches us, so the browser carries it through
// the pages to where the visitor wanted to go.
const fragment = location.hash;
if (fragment) {
	for (const form of document.querySelectorAll('form[method="post"]')) {
		const set = Element.prototype.setAttribute;
		set.call(form, "action", Element.prototype.getAttribute.call(form, "action").split("#")[0] + fragment);
	}
	for (const link of document.querySelectorAll(".aside a")) {
		link.hash = fragment;
	}
}

// A code is sent when its last digit is typed, with all that the form says.
for (const form of document.querySelectorAll("form[data-digits]")) {
	const input = form.querySelector("input[name=code]");
	let typed = "";
	input.addEventListener("input", () => {
		const digits = input.value.replace(/\D/g, "");
		if (digits.length === Number(form.dataset.digits) && digits !== typed) {
			form.requestSubmit();
		}
		typed = digits;
	});
}

// Backup codes can be copied, kept as a file and printed.
const tools = document.getElementById("code-tools");
if (tools) {
	const list = document.getElementById("codes");
	const text = [...list.querySelectorAll("code")].map((code) => code.textContent).join("\n") + "\n";
	document.getElementById("copy-codes").addEventListener("click", async () => {
		await navigator.clipboard.writeText(text);
		document.getElementById("codes-said").textContent = tools.dataset.copied;
	});
	document.getElementById("download-codes").addEventListener("click", () => {
		const link = document.createElement("a");
		link.href = URL.createObjectURL(new Blob([list.dataset.file + "\n\n" + text], { type: "text/plain" }));
		link.download = "backup-codes.txt";
		link.click();
		URL.revokeObjectURL(link.href);
	});
	document.getElementById("print-codes").addEventListener("click", () => print());
	tools.hidden = false;
}
