// src/copy.ts
/** Copies a text; false where the page may not, as on one that came over plain HTTP from another machine. */
async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return false;
	}
}
export { copy as t };
