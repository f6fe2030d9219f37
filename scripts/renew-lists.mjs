// Turns the lists of others into the files of ingest-server/data; started by renew-lists.sh, which brings its packages.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import crawlers from "crawler-user-agents";
import yaml from "js-yaml";

const [uapCore, matomo, data] = process.argv.slice(2);
const read = (...path) => yaml.load(readFileSync(join(...path), "utf8"));
const write = (name, lines) => {
  writeFileSync(join(data, name), `${lines.join("\n")}\n`);
  console.log(`${name}: ${lines.length} lines`);
};

/** uap-core's rules as JSON, one a line, so that the server needs no reader for YAML. */
function rules() {
  const sections = Object.entries(read(uapCore, "regexes.yaml")).map(([name, rules]) => {
    const lines = rules.map((rule) => `  ${JSON.stringify(rule)}`);
    return ` ${JSON.stringify(name)}: [\n${lines.join(",\n")}\n ]`;
  });
  write("uap-core.json", ["{", sections.join(",\n"), "}"]);
}

/** Apps in which people open pages, and the build of an Android that people use; the list has them as well. */
const PEOPLE = /^(Viber|WhatsApp|MetaIAB|AP3A|Notion|Bluesky|Tumblr|Overcast|PocketCasts|Instapaper|Flu|\^Silk|Code|mail\\\.ru)/;

/** Crawlers, less the libraries that a site's own servers send with, and less what a person's browser is called. */
function bots() {
  const cases = read(uapCore, "tests", "test_device.yaml").test_cases;
  const people = cases.filter(({ family }) => family !== "Spider").map(({ user_agent_string: agent }) => agent);
  const patterns = crawlers
    .filter(({ tags = [] }) => !tags.includes("http-library"))
    .map(({ pattern }) => pattern)
    .filter((pattern) => !PEOPLE.test(pattern))
    .filter((pattern) => !people.some((agent) => new RegExp(pattern).test(agent)));
  write("crawlers.txt", patterns);
}

/** A line for each name: what it is, its name, its hosts (`{}` stands for any country), the parameters of its search. */
function referrers() {
  const lines = [];
  const line = (kind, name, hosts, params) => {
    // One with a path is another name of a host that is there without it.
    const plain = hosts.filter((host) => /^[\w.{}-]+$/.test(host)).map((host) => host.toLowerCase());
    const words = params.filter((param) => /^[\w.-]+$/.test(param));
    if (plain.length) lines.push([kind, decodeURIComponent(name), plain.join(" "), words.join(" ")].join("\t"));
  };
  for (const [name, groups] of Object.entries(read(matomo, "SearchEngines.yml"))) {
    for (const { urls, params = [] } of groups) line("search", name, urls, params ?? []);
  }
  for (const [name, hosts] of Object.entries(read(matomo, "Socials.yml"))) line("social", name, hosts, []);
  for (const [name, hosts] of Object.entries(read(matomo, "AIAssistants.yml"))) line("ai", name, hosts, []);
  write("referrers.tsv", lines);
}

rules();
bots();
referrers();
