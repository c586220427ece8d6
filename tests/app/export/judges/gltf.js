// node gltf.js VALIDATOR_FOLDER FILE: the Khronos validator's issues as JSON
const validator = require(require("path").join(process.argv[2], "node_modules", "gltf-validator"));
validator
  .validateBytes(new Uint8Array(require("fs").readFileSync(process.argv[3])))
  .then((report) => console.log(JSON.stringify(report.issues)));
