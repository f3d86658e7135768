// The Heshan story over HTTP, in JavaScript without any package (Node 18 or newer).
//
//     ECNY_TAX=http://127.0.0.1:8000 API_KEY=ecny_sandbox_… node story.mjs
//
// It begins with a reset to the spring of 2023: whatever the sandbox holds is thrown away.
const { ECNY_TAX, API_KEY } = process.env;

/** A problem (RFC 9457) that the sandbox answered. */
class Refused extends Error {
  constructor(problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.problem = problem;
  }
}

/** Ask the sandbox; where the answer is lost, ask again with the same key, which is safe. */
async function ask(method, path, body, key) {
  const headers = { Authorization: `Bearer ${API_KEY}` };
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await fetch(ECNY_TAX + path, { method, headers, body: body && JSON.stringify(body) });
      const said = await answer.json();
      if (answer.ok) return said;
      if (![429, 503].includes(answer.status) && said.code !== "idempotency_in_flight") throw new Refused(said);
      if (attempt === 4) throw new Refused(said);
    } catch (error) {
      if (error instanceof Refused || attempt === 4 || (!key && method !== "GET")) throw error;
    }
    await new Promise((done) => setTimeout(done, 100 * 2 ** attempt));
  }
}

if (!ECNY_TAX || !API_KEY) {
  console.error("set ECNY_TAX to the sandbox's address and API_KEY to a key of admin");
  process.exit(2);
}
await ask("POST", "/v1/reset", { at: "2023-04-20" });

const company = await ask(
  "POST",
  "/v1/wallets",
  {
    kind: "corporate",
    operator: "ICBC",
    name: "广东弘明智能照明科技有限公司",
    id_number: "91440784MA00DEM06F",
    fund: "20000.00",
  },
  "wallet-1",
);
const agreement = await ask("POST", "/v1/agreements", { wallet_id: company.wallet_id });
console.log(`agreement ${agreement.agreement_no}: ${agreement.status}`);

const bill = await ask("POST", "/v1/bills", {
  tax: "stamp-duty",
  wallet_id: company.wallet_id,
  item: "sale_contract",
  base: "56666666.67",
});
const payment = await ask("POST", "/v1/payments", { bill_no: bill.bill_no }, "duty-1");
console.log(`paid ${payment.amount} yuan by ${payment.mode}, fee ${payment.fee}, ${payment.status}`);

const again = await ask("POST", "/v1/payments", { bill_no: bill.bill_no }, "duty-1");
console.log(`asked again: ${JSON.stringify(again) === JSON.stringify(payment) ? "the same answer" : "another answer"}`);

try {
  await ask("POST", "/v1/payments", { bill_no: bill.bill_no }, "twice-1");
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.log(`refused, ${error.message}`);
}

const liang = await ask(
  "POST",
  "/v1/wallets",
  {
    kind: "personal",
    wallet_class: "II",
    operator: "BOC",
    name: "梁先生",
    id_number: "440784198501010017",
    phone: "13800000000",
  },
  "liang-1",
);
const annual = { tax_year: 2022, wages: "150000.00", social: "18000.00", sad: "24000.00", withheld: "3000.00" };
const refund = await ask(
  "POST",
  "/v1/refunds",
  { kind: "annual_settlement", wallet_id: liang.wallet_id, annual_return: annual },
  "refund-1",
);
console.log(`refund ${refund.amount} yuan: ${refund.status}, balance ${refund.balance_after}`);

const found = await ask("POST", "/v1/ledger/verifications");
console.log(`ledger: ok ${found.ok}`);
