// What the pages do better with a script; without it they work as well.
"use strict";

// A button in each password field shows what was typed.
for (const box of document.querySelectorAll(".reveal")) {
	const input = box.querySelector("input");
	const button = document.createElement("button");
	button.type = "button";
	button.className = "eye";
	button.setAttribute("aria-label", "Show password");
	button.setAttribute("aria-pressed", "false");
	button.addEventListener("click", () => {
		const shown = input.type === "text";
		input.type = shown ? "password" : "text";
		button.setAttribute("aria-pressed", String(!shown));
	});
	box.append(button);
}

// A form is sent once, however often its button is pressed.
for (const form of document.forms) {
	form.addEventListener("submit", (event) => {
		if (form.dataset.sent) {
			event.preventDefault();
		}
		form.dataset.sent = "yes";
	});
}
window.addEventListener("pageshow", () => {
	for (const form of document.forms) {
		delete form.dataset.sent;
	}
});
