// Transfers through QLDB's official Node driver, one after the other over one session: five statements in each transaction.
const { QldbDriver, RetryConfig } = require("amazon-qldb-driver-nodejs");

const [ledger, count] = [process.argv[2], Number(process.argv[3])];
const BALANCE = "SELECT a.accountId, a.balance FROM Accounts AS a WHERE a.accountId = ?";
const SET = "UPDATE Accounts AS a SET a.balance = ? WHERE a.accountId = ?";

async function main() {
  const driver = new QldbDriver(ledger, {}, {}, 1, new RetryConfig(4));
  const waits = [];
  for (let number = 0; number < count; number += 1) {
    const payer = `ACC-${String(number % 1000).padStart(7, "0")}`;
    const payee = `ACC-${String((number * 7 + 1) % 1000).padStart(7, "0")}`;
    const begun = process.hrtime.bigint();
    await driver.executeLambda(async (txn) => {
      await txn.execute(BALANCE, payer);
      await txn.execute(BALANCE, payee);
      await txn.execute(SET, 100 + number, payer);
      await txn.execute(SET, 100 - number, payee);
      await txn.execute("INSERT INTO Transactions ?", { transactionId: `T-${number}`, fromAccountId: payer, toAccountId: payee, amount: 1 });
    });
    waits.push(Number(process.hrtime.bigint() - begun) / 1e6);
  }
  driver.close();
  console.log(JSON.stringify(waits));
}

main();
