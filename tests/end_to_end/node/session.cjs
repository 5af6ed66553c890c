// A session with QLDB's official Node driver, unmodified, against the endpoint that the environment names.
// Prints one line of JSON with what it found; the test (tests/end_to_end/test_driver_node.py) judges it.
const { QldbDriver, RetryConfig } = require("amazon-qldb-driver-nodejs");
const ion = require("ion-js");

const LEDGER = process.argv[2];
const PAGED = 450;

// What requests are signed for, where it is not what the driver's client signs for by itself.
const CONFIG = process.env.SIGNING_NAME ? { signingName: process.env.SIGNING_NAME } : {};

const texts = (result) => result.getResultList().map((value) => ion.dumpText(value));

async function main() {
  const driver = new QldbDriver(LEDGER, CONFIG, {}, 10, new RetryConfig(4));
  const run = (statement, ...parameters) =>
    driver.executeLambda(async (txn) => texts(await txn.execute(statement, ...parameters)));
  const found = {};

  found.created = (await run("CREATE TABLE People")).length;
  await run("CREATE INDEX ON People (name)");
  found.tables = await driver.getTableNames();
  found.inserted = (await run("INSERT INTO People ?", { name: "Ada", age: 36, balance: ion.load("1.50") })).length;
  found.updated = (await run("UPDATE People SET age = ? WHERE name = ?", 37, "Ada")).length;
  found.selected = await run("SELECT name, age, balance FROM People WHERE name = ?", "Ada");

  // Two transactions read and change the same document; the one that commits second must run again.
  let attempts = 0;
  let interfered = false;
  await driver.executeLambda(async (txn) => {
    attempts += 1;
    const [age] = (await txn.execute("SELECT VALUE age FROM People WHERE name = ?", "Ada")).getResultList();
    if (!interfered) {
      interfered = true;
      await run("UPDATE People SET age = ? WHERE name = ?", 50, "Ada");
    }
    await txn.execute("UPDATE People SET age = ? WHERE name = ?", age.numberValue() + 1, "Ada");
  });
  found.attempts = attempts;
  found.afterConflict = await run("SELECT VALUE age FROM People WHERE name = ?", "Ada");

  // With no retries left the conflict is told.
  const once = new QldbDriver(LEDGER, CONFIG, {}, 10, new RetryConfig(0));
  try {
    await once.executeLambda(async (txn) => {
      await txn.execute("SELECT VALUE age FROM People");
      await run("UPDATE People SET age = ? WHERE name = ?", 60, "Ada");
    });
  } catch (error) {
    found.conflict = error.name;
  }
  try {
    await once.executeLambda(async (txn) => await txn.execute("SELECT * FRM People"));
  } catch (error) {
    found.mistake = [error.name, error.message];
  }
  once.close();

  // The driver has counted a statement that failed; who catches the error may commit none the less.
  found.caught = await driver.executeLambda(async (txn) => {
    await txn.execute("UPDATE People SET age = ? WHERE name = ?", 70, "Ada");
    try {
      await txn.execute("SELECT * FROM Nowhere");
    } catch (error) {
      return error.name;
    }
  });
  found.afterCaught = await run("SELECT VALUE age FROM People WHERE name = ?", "Ada");

  // More rows than a page holds, streamed and whole.
  const batch = Array.from({ length: PAGED }, (_, number) => ({ number }));
  await run("CREATE TABLE Numbers");
  await run("INSERT INTO Numbers ?", batch);
  found.streamed = await driver.executeLambda(async (txn) => {
    let sum = 0;
    const result = await txn.executeAndStreamResults("SELECT VALUE number FROM Numbers");
    for await (const value of result) {
      sum += value.numberValue();
    }
    return sum;
  });
  found.counted = (await run("SELECT VALUE number FROM Numbers")).length;
  driver.close();
  process.stdout.write(JSON.stringify(found) + "\n");
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
