import { I as outputOf, V as viewUrl, f as heats, p as lastPicture } from "./resonance.js";
import { r as isLinked, s as widgetOf } from "./effective-CUuSsUpo.mjs";
// src/pictures.ts
/** Names of files that are for us; everything else is ComfyUI's. The server says what is a picture there. */
var PICTURE = /\.(png|jpe?g|jpe|jfif|webp|bmp|gif|tiff?|avif|jxl|hei[cf])$/i;
function picturesOf(node) {
	return {
		connected: () => address(connected(node)),
		last: () => address(lastPicture()),
		heats: () => heats().map(({ picture, maps, names }) => ({
			picture: viewUrl(picture),
			maps: maps.map(viewUrl),
			names
		}))
	};
}
function address(picture) {
	return picture ? viewUrl(picture) : null;
}
/** The file of a connected Load Image, which can be newer than the last run; else what that run saw. */
function connected(node) {
	if (!isLinked(node, "image")) return void 0;
	const link = node.inputs?.find(({ name }) => name === "image")?.link;
	const origin = node.graph?.getNodeById(node.graph.getLink?.(link ?? -1)?.origin_id ?? -1);
	const file = origin?.type === "LoadImage" && !isLinked(origin, "image") && widgetOf(origin, "image")?.value;
	return file ? inputFile(String(file)) : (outputOf(node)?.["resonance_background"])?.[0];
}
/** A file as Load Image names it: `folder/name.png [temp]`. */
function inputFile(value) {
	const [, path = value, type = "input"] = /^(.*?)(?: \[(\w+)\])?$/.exec(value) ?? [];
	const end = path.lastIndexOf("/");
	return {
		filename: path.slice(end + 1),
		subfolder: path.slice(0, Math.max(end, 0)),
		type
	};
}
export { inputFile as n, picturesOf as r, PICTURE as t };
