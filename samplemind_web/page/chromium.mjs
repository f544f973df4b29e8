/** Prints the path of the Chromium of the npm package, which is unpacked into TMPDIR when it is first asked for. */
import chromium from "@sparticuz/chromium";

console.log(await chromium.executablePath());
