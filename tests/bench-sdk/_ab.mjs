import { launch } from "./browser.mjs"; import { openSite } from "./site.mjs"; import { ours, peers } from "./trackers/all.mjs"; import { empty } from "./trackers/empty.mjs";
import { measureStart } from "./measures/start.mjs"; import { measureHeap } from "./measures/heap.mjs"; import { measureClick } from "./measures/click.mjs"; import { readFileSync, existsSync } from "node:fs";
const variants=process.argv[3].split(","); // names of dirs in /tmp/ab with replacement files
const mk=(v)=>({...ours,id:"v-"+v,files:()=>{const f=ours.files();for(const k of Object.keys(f)){const p=`/tmp/ab/${v}/${k.split("/").at(-1)}`;if(existsSync(p))f[k]=readFileSync(p);}return f;}});
const T=variants.map(mk); const snow=peers.find(p=>p.id==="snowplow-lite");
const all=[empty,...T,snow]; const site=await openSite(all); const browser=await launch(); const b={site,browser}; const med=a=>a.sort((x,y)=>x-y)[a.length>>1];
const R={};for(let i=0;i<+process.argv[2];i++)for(let k=0;k<all.length;k++){const t=all[(i+k)%all.length];(R[t.id]??=[]).push(await measureStart(b,t));}
const base=R.empty; for(const k in R)console.log(k.padEnd(16),...["ready","script","all","off"].map(f=>f+" "+(med(R[k].map(x=>x[f]))-(k==="empty"?0:med(base.map(x=>x[f])))).toFixed(2)));
if(process.argv[4]){const e=await measureHeap(b,empty);for(const t of T){const h=await measureHeap(b,t);console.log("heap",t.id,((h.heap-e.heap+h.wasm)/1024).toFixed(0));}
 for(const t of [empty,...T]){const c=[];for(let i=0;i<3;i++)c.push(...(await measureClick(b,t,20)).clicks);console.log("click",t.id,med(c).toFixed(3));}}
await browser.close();await site.close();
